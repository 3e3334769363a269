import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../../errors.js';
import { type Announcement, type DownloadOptions, downloadVerified } from './download.js';
import type { Hub } from './endpoint.js';
import { ask, persist, Transient } from './request.js';

/** A file of a repository on the hub. */
export interface HubFile {
  type: 'models' | 'datasets';
  /** `owner/name` or a plain name. */
  id: string;
  /** A commit (40 hex digits) or a branch. */
  revision: string;
  path: string;
}

export interface HubFileOptions extends DownloadOptions {
  onStage?: ((stage: string) => void) | undefined;
  /** Sentence with the advice for a machine without network. */
  advice: string;
  /** True to refuse files that the hub announces without a SHA-256. */
  sha256Only?: boolean;
}

/**
 * Returns the path of a hub file on this machine. It comes from our cache, from the cache that the Hugging
 * Face libraries share, or is downloaded and checked.
 *
 * @throws UserError when the file is neither here nor to be fetched. The message ends with the advice.
 */
export async function hubFile(file: HubFile, hub: Hub, options: HubFileOptions): Promise<string> {
  const cached = (await inCache(file, hub)) ?? (await inSharedCache(file, hub));
  if (cached !== null) return cached;
  const what = `${file.path} of ${file.id}`;
  if (hub.offline) {
    throw new UserError(
      `HF_HUB_OFFLINE is set and ${what} is not in the cache (${hub.cacheDir}). ${options.advice}`,
      'hub-offline',
    );
  }
  const prefix = file.type === 'datasets' ? '/datasets' : '';
  const url = new URL(`${hub.endpoint}${prefix}/${file.id}/resolve/${file.revision}/${file.path}`);
  try {
    const announced = await persist(hub, () => announce(url, hub, options), options.signal, 3);
    const revision = announced.commit ?? file.revision;
    const target = cachePath({ ...file, revision }, hub);
    if (await isFile(target)) return target;
    options.onStage?.(`downloading ${what} (${megabytes(announced.bytes)}) from ${url.host}`);
    await downloadVerified(url, target, announced, hub, options);
    if (revision !== file.revision) await rememberRevision(file, revision, hub);
    return target;
  } catch (error) {
    if (!(error instanceof Transient)) throw error;
    throw new UserError(`Could not download ${what} (${error.message}). ${options.advice}`, 'no-network', {
      cause: error,
    });
  }
}

/** Asks for a file's digest and size. The hub gives them with its redirect to the content. */
async function announce(start: URL, hub: Hub, options: HubFileOptions): Promise<Announcement> {
  let url = start;
  for (let hops = 0; hops < 5; hops++) {
    const { headers, statusCode, body } = await ask('HEAD', url, hub, { signal: options.signal });
    await body.dump().catch(() => {});
    const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : null);
    const digest = digestOf(header('x-linked-etag') ?? header('etag'));
    const bytes = Number(header('x-linked-size') ?? (statusCode < 300 ? header('content-length') : null));
    if (digest !== null && bytes > 0 && (digest.algorithm === 'sha256' || options.sha256Only !== true)) {
      return { digest, bytes, commit: header('x-repo-commit') };
    }
    const next = statusCode >= 300 ? header('location') : null;
    if (next === null || new URL(next, url).origin !== url.origin) break;
    url = new URL(next, url);
  }
  throw new UserError(
    `${start.host} announces no ${options.sha256Only ? 'SHA-256' : 'checksum'} for ${start.pathname}, so the file could not be checked. ${options.advice}`,
    'hub-no-checksum',
  );
}

function digestOf(etag: string | null): Announcement['digest'] | null {
  const hex = etag?.replace(/^W\//, '').replaceAll('"', '').toLowerCase() ?? '';
  if (/^[0-9a-f]{64}$/.test(hex)) return { algorithm: 'sha256', hex };
  return /^[0-9a-f]{40}$/.test(hex) ? { algorithm: 'git-sha1', hex } : null;
}

function cachePath(file: HubFile, hub: Hub): string {
  return join(hub.cacheDir, 'hub', file.type, ...file.id.split('/'), file.revision, ...file.path.split('/'));
}

/** Branches are looked up in `refs/`, as they were last seen. */
async function inCache(file: HubFile, hub: Hub): Promise<string | null> {
  const commit = await readFile(refPath(file, hub), 'utf8').catch(() => file.revision);
  const path = cachePath({ ...file, revision: commit.trim() }, hub);
  return (await isFile(path)) ? path : null;
}

/** `models--org--name/{refs/main, snapshots/<commit>/…}`, as huggingface_hub keeps it. */
async function inSharedCache(file: HubFile, hub: Hub): Promise<string | null> {
  const root = join(hub.sharedCacheDir, `${file.type}--${file.id.replaceAll('/', '--')}`);
  const commit = await readFile(join(root, 'refs', file.revision), 'utf8').catch(() => file.revision);
  const path = join(root, 'snapshots', commit.trim(), ...file.path.split('/'));
  return (await isFile(path)) ? path : null;
}

async function rememberRevision(file: HubFile, commit: string, hub: Hub): Promise<void> {
  const path = refPath(file, hub);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.${process.pid}`, commit);
  await rename(`${path}.${process.pid}`, path);
}

function refPath(file: HubFile, hub: Hub): string {
  return join(
    hub.cacheDir,
    'hub',
    file.type,
    ...file.id.split('/'),
    'refs',
    encodeURIComponent(file.revision),
  );
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
