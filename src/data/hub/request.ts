import type { Dispatcher } from 'undici';
import { Interrupted, UserError } from '../../errors.js';
import { type Hub, headersFor } from './endpoint.js';

/** Failure that another try may mend: a broken connection, a busy server. */
export class Transient extends Error {
  override readonly name = 'Transient';

  constructor(
    message: string,
    readonly waitMs: number | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Makes one request. Redirects are not followed.
 *
 * @throws Transient, UserError (refused, not found), or Interrupted.
 */
export async function ask(
  method: 'GET' | 'HEAD',
  url: URL,
  hub: Hub,
  options: { headers?: Record<string, string>; signal?: AbortSignal | undefined } = {},
): Promise<Dispatcher.ResponseData> {
  const headers = { ...headersFor(url, hub), ...options.headers };
  const settings = {
    method,
    headers,
    dispatcher: await hub.dispatcher(),
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
  };
  const { request } = await import('undici');
  const response = await request(url, {
    ...settings,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }).catch((cause: NodeJS.ErrnoException) => {
    throw networkError(url, cause, options.signal);
  });
  const status = response.statusCode;
  if (status < 400) return response;
  await response.body.dump().catch(() => {});
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(response.headers['retry-after']);
    const waitMs = Number.isFinite(seconds) ? Math.min(seconds, 60) * 1000 : null;
    throw new Transient(`${url.host} answered with status ${status}`, waitMs);
  }
  if (status === 401 || status === 403) {
    throw new UserError(
      `${url.host} refuses ${url.pathname} (status ${status}): it is private, gated or absent; set HF_TOKEN to a token that may read it.`,
      'hub-refused',
    );
  }
  throw new UserError(`${url.host} does not have ${url.pathname} (status ${status}).`, 'hub-not-found');
}

/** Returns the error for a failed connection or a broken body. */
export function networkError(url: URL, cause: NodeJS.ErrnoException, signal?: AbortSignal): Error {
  if (signal?.aborted) return new Interrupted('The download was interrupted.', { cause });
  return new Transient(`${url.host}: ${cause.code ?? cause.message}`, null, { cause });
}

/**
 * Repeats a try, with growing pauses, as long as the failure is {@link Transient} and `tries` are left.
 * `onTry` may set the count back when a try made progress.
 */
export async function persist<T>(
  hub: Pick<Hub, 'retryDelayMs'>,
  attempt: (madeProgress: () => void) => Promise<T>,
  signal?: AbortSignal,
  tries = 4,
): Promise<T> {
  let failures = 0;
  for (;;) {
    try {
      return await attempt(() => {
        failures = 0;
      });
    } catch (error) {
      failures += 1;
      if (!(error instanceof Transient) || failures >= tries) throw error;
      await pause(error.waitMs ?? hub.retryDelayMs * 2 ** (failures - 1), signal);
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new Interrupted('The download was interrupted.'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
