import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../../errors.js';
import { syncFolder } from '../../files/atomic.js';
import type { DownloadProgress } from '../spec.js';
import { gitBlobHash, type Hub } from './endpoint.js';
import { claimPartial } from './partial.js';
import { ask, networkError, persist, Transient } from './request.js';

/** Facts that the hub announces about a file before it is fetched. */
export interface Announcement {
  /** SHA-256 of a large file, or git's SHA-1 of a small one. */
  digest: { algorithm: 'sha256' | 'git-sha1'; hex: string };
  bytes: number;
  /** The commit that holds it. */
  commit: string | null;
}

export interface DownloadOptions {
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Fetches a file that was announced, checks it, and puts it in place in one step. A part left by an earlier
 * try is continued. Several processes may do this at once: each writes a file of its own, and the last rename
 * wins.
 *
 * @throws UserError when the content is not the announced one (then nothing is kept), and as {@link ask}
 *   does.
 */
export async function downloadVerified(
  url: URL,
  target: string,
  announced: Announcement,
  hub: Hub,
  options: DownloadOptions = {},
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  for (;;) {
    const partial = await claimPartial(target, announced.digest.hex);
    try {
      const resumed = (await sizeOf(partial.path)) > 0;
      await fetchInto(partial.path, url, announced, hub, options);
      if (await matches(partial.path, announced)) {
        await rename(partial.path, target);
        await syncFolder(dirname(target));
        return;
      }
      await rm(partial.path, { force: true });
      if (!resumed) {
        throw new UserError(
          `${url.host} sent other content for ${url.pathname} than it announced (${announced.digest.algorithm} ` +
            `${announced.digest.hex.slice(0, 12)}…); it was deleted. Try again, or use another HF_ENDPOINT.`,
          'hub-mismatch',
        );
      }
    } finally {
      partial.release();
    }
  }
}

/** Appends to the file until it has the announced size. */
async function fetchInto(
  path: string,
  url: URL,
  announced: Announcement,
  hub: Hub,
  options: DownloadOptions,
): Promise<void> {
  const { signal } = options;
  let etag: string | null = null;
  await persist(
    hub,
    async (madeProgress) => {
      const file = await open(path, 'a');
      try {
        let bytes = (await file.stat()).size;
        if (bytes > announced.bytes) bytes = await startAgain(file);
        if (bytes === announced.bytes) return;
        const { response, from } = await getContent(url, hub, { bytes, etag }, signal);
        etag = strongEtag(response.headers.etag);
        if (bytes > 0 && response.statusCode !== 206) bytes = await startAgain(file);
        options.onProgress?.({ bytes, totalBytes: announced.bytes });
        try {
          for await (const chunk of response.body) {
            await file.appendFile(chunk as Buffer);
            bytes += (chunk as Buffer).length;
            madeProgress();
            options.onProgress?.({ bytes, totalBytes: announced.bytes });
            if (bytes > announced.bytes) break;
          }
        } catch (cause) {
          throw networkError(from, cause as NodeJS.ErrnoException, signal);
        }
        if (bytes < announced.bytes) {
          throw new Transient(`${from.host} ended the file after ${bytes} of ${announced.bytes} bytes`, null);
        }
        await file.sync();
      } finally {
        await file.close();
      }
    },
    signal,
  );
}

async function startAgain(file: { truncate(length: number): Promise<void> }): Promise<number> {
  await file.truncate(0);
  return 0;
}

/** Follows redirects to the content. The token stays with the endpoint. */
async function getContent(
  url: URL,
  hub: Hub,
  have: { bytes: number; etag: string | null },
  signal: AbortSignal | undefined,
) {
  const headers: Record<string, string> = {};
  if (have.bytes > 0) headers.range = `bytes=${have.bytes}-`;
  if (have.bytes > 0 && have.etag !== null) headers['if-range'] = have.etag;
  let from = url;
  for (let hops = 0; hops < 10; hops++) {
    const response = await ask('GET', from, hub, { headers, signal });
    const { location } = response.headers;
    if (response.statusCode < 300) return { response, from };
    await response.body.dump().catch(() => {});
    if (typeof location !== 'string') break;
    from = new URL(location, from);
  }
  throw new UserError(`${url.host} sends ${url.pathname} from redirect to redirect.`, 'hub-not-found');
}

/** Weak ones may not stand in If-Range. */
function strongEtag(etag: string | string[] | undefined): string | null {
  return typeof etag === 'string' && etag.startsWith('"') ? etag : null;
}

async function matches(path: string, { digest, bytes }: Announcement): Promise<boolean> {
  if ((await sizeOf(path)) !== bytes) return false;
  const hash: Hash = digest.algorithm === 'sha256' ? createHash('sha256') : gitBlobHash(bytes);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex') === digest.hex;
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}
