import { RunError, SettingError } from '../../errors.js';
import { CONTENT_TYPES } from './registry.js';

/** The `job` half of the grouping key; `model` is the other. */
const PUSH_JOB = 'activation_auditor';

/** Time that a Pushgateway may take. */
const TIMEOUT_MILLISECONDS = 30_000;

/**
 * Hands a model's series to a Pushgateway. Its group is `job` and `model`: two models never overwrite each
 * other, and a new audit of a model replaces the old one whole.
 *
 * @param url Address of the Pushgateway, with a path prefix or credentials where it needs them.
 * @param keep True to leave the group's other metrics as they are (POST), as for an audit that failed.
 * @throws SettingError for a wrong address; RunError when the gateway cannot be reached or refuses.
 */
export async function pushMetrics(
  url: string,
  model: string,
  exposition: string,
  { keep = false } = {},
): Promise<void> {
  await send(keep ? 'POST' : 'PUT', url, model, exposition);
}

/** Removes a model's group: a Pushgateway never forgets by itself. */
export async function deletePushed(url: string, model: string): Promise<void> {
  await send('DELETE', url, model);
}

/** Gives the address of a model's group. The name is base64, since a path segment cannot hold its slashes. */
export function groupUrl(url: string, model: string): { url: URL; authorization: string | null } {
  let base: URL;
  try {
    base = new URL(url);
  } catch {
    throw badUrl(url);
  }
  if (base.protocol !== 'http:' && base.protocol !== 'https:') throw badUrl(url);
  const { username, password } = base;
  base.username = '';
  base.password = '';
  const name = Buffer.from(model).toString('base64url');
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/metrics/job/${PUSH_JOB}/model@base64/${name}`;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = username === '' ? null : `Basic ${Buffer.from(credentials).toString('base64')}`;
  return { url: base, authorization };
}

async function send(method: string, gateway: string, model: string, body?: string): Promise<void> {
  const { url, authorization } = groupUrl(gateway, model);
  const address = `${url.protocol}//${url.host}`;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        'content-type': CONTENT_TYPES.prometheus,
        ...(authorization !== null && { authorization }),
      },
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      ...(body !== undefined && { body }),
    });
  } catch (cause) {
    const why = (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error).message : '';
    throw new RunError(`The Pushgateway at ${address} cannot be reached${why ? `: ${why}` : ''}.`, { cause });
  }
  const answer = (await response.text()).trim().slice(0, 300);
  if (response.ok) return;
  throw new RunError(
    `The Pushgateway at ${address} refused the metrics of ${model}: ${response.status} ${answer}`.trim(),
  );
}

function badUrl(url: string): SettingError {
  const expected = 'the address of a Pushgateway, as in `http://localhost:9091`';
  return new SettingError('push', expected, url, { code: 'push-url' });
}
