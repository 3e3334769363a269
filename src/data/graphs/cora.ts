import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errors.js';
import { type Announcement, downloadVerified } from '../hub/download.js';
import type { Hub } from '../hub/endpoint.js';
import { Transient } from '../hub/request.js';
import type { DataSpec } from '../spec.js';

/** Address and hashes of the LINQS text files. No mirror can change them unnoticed. */
export interface CoraSource {
  /** A folder; the names of the files are appended. */
  url: string;
  /** Names the content: part of the path in the cache. */
  version: string;
  files: Record<string, Omit<Announcement, 'commit'>>;
}

/**
 * `cora.content` and `cora.cites` as LINQS published them (Sen et al. 2008), in a public repository at one
 * commit. AUDIT_CORA_URL names another folder with the same two files.
 */
export const coraSource: CoraSource = {
  url: 'https://raw.githubusercontent.com/tkipf/pygcn/1600b5b748b3976413d1e307540ccc62605b4d6d/data/cora',
  version: '1600b5b748b3976413d1e307540ccc62605b4d6d',
  files: {
    'cora.cites': {
      bytes: 69_928,
      digest: {
        algorithm: 'sha256',
        hex: 'ec1a372391b7f0f60a6aff0084e8abd8f19f0faa7e1f2441a41c492042d5945e',
      },
    },
    'cora.content': {
      bytes: 7_823_427,
      digest: { algorithm: 'git-sha1', hex: '23205398c433481a3b8c504e95e9f15adb47fe13' },
    },
  },
};

/**
 * Finds the folder with Cora's LINQS files: AUDIT_DATA_DIR or a folder `cora` in it, else the cache.
 * Otherwise the files are downloaded, checked and cached. A download that broke off is continued.
 *
 * @throws UserError when the files are neither here nor to be fetched.
 */
export async function coraFolder(
  spec: Pick<DataSpec, 'onStage' | 'onProgress' | 'signal'>,
  hub: Hub,
  { dataDir = process.env.AUDIT_DATA_DIR, url = process.env.AUDIT_CORA_URL, source = coraSource } = {},
): Promise<string> {
  const local = dataDir ? [join(dataDir, 'cora'), dataDir].find(holdsCora) : undefined;
  if (local !== undefined) return local;
  const folder = join(hub.cacheDir, 'graphs', 'cora', source.version);
  const missing = Object.entries(source.files).filter(([name]) => !existsSync(join(folder, name)));
  if (missing.length > 0 && hub.offline) {
    throw new UserError(
      `HF_HUB_OFFLINE is set and Cora is not in the cache (${folder}). ${ADVICE}`,
      'hub-offline',
    );
  }
  const from = (url || source.url).replace(/\/+$/, '');
  for (const [name, file] of missing)
    await fetchFile(new URL(`${from}/${name}`), join(folder, name), file, spec, hub);
  return folder;
}

const ADVICE =
  'Put cora.content and cora.cites (LINQS format) in a folder "cora" and set AUDIT_DATA_DIR to the folder it is in, or ' +
  'set AUDIT_CORA_URL to where they can be fetched; --data sample needs no network.';

async function fetchFile(
  url: URL,
  target: string,
  file: Omit<Announcement, 'commit'>,
  { onStage, onProgress, signal }: Pick<DataSpec, 'onStage' | 'onProgress' | 'signal'>,
  hub: Hub,
): Promise<void> {
  onStage?.(
    `downloading ${url.pathname.split('/').at(-1)} (${(file.bytes / 1e6).toFixed(1)} MB) from ${url.host}`,
  );
  try {
    await downloadVerified(url, target, { ...file, commit: null }, hub, { onProgress, signal });
  } catch (error) {
    if (error instanceof Transient) {
      throw new UserError(`Could not download Cora (${error.message}). ${ADVICE}`, 'no-network', {
        cause: error,
      });
    }
    throw error instanceof UserError
      ? new UserError(`${error.message} ${ADVICE}`, error.code, { cause: error })
      : error;
  }
}

function holdsCora(folder: string): boolean {
  return ['cora.content', 'cora.content.gz'].some((name) => existsSync(join(folder, name)));
}
