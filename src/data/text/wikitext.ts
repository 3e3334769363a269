import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SettingError } from '../../errors.js';
import type { Hub } from '../hub/endpoint.js';
import { hubFile } from '../hub/files.js';
import type { DataSpec } from '../spec.js';
import { parquetBytes, parquetLines } from './parquet.js';
import { fileSource, type TextSource, withoutGz } from './source.js';

const dataset = 'Salesforce/wikitext';
const revision = 'b08601e04326c79dfdd32d625aee71d232d685c3';

/**
 * Names of the splits in AUDIT_DATA_DIR and on the hub, and the number of parquet files of each in
 * WikiText-103.
 */
const splits: Record<string, { local: string; hub: string; files103: number }> = {
  test: { local: 'test', hub: 'test', files103: 1 },
  valid: { local: 'valid', hub: 'validation', files103: 1 },
  validation: { local: 'valid', hub: 'validation', files103: 1 },
  val: { local: 'valid', hub: 'validation', files103: 1 },
  train: { local: 'train', hub: 'train', files103: 2 },
};

/**
 * Finds WikiText-2 or -103: `wiki.<split>.raw`, else `wiki.<split>.tokens` (also `.gz`) in AUDIT_DATA_DIR or
 * in a folder of the set's name there; else the hub's raw version, from the cache or downloaded.
 *
 * @throws UserError for an unknown split, and for a set that is neither here nor to be fetched.
 */
export async function wikitext(
  size: 2 | 103,
  spec: Pick<DataSpec, 'split' | 'onStage' | 'onProgress' | 'signal'>,
  hub: Hub,
  dataDir = process.env.AUDIT_DATA_DIR,
): Promise<TextSource> {
  const split = Object.hasOwn(splits, spec.split ?? 'test') ? splits[spec.split ?? 'test'] : undefined;
  if (split === undefined) {
    throw new SettingError('split', 'test, valid or train for WikiText', spec.split, { code: 'bad-split' });
  }
  const name = size === 2 ? 'wikitext' : 'wikitext-103';
  const local = dataDir ? await findLocal(dataDir, size, split.local) : null;
  if (local !== null) {
    const source = await fileSource(local);
    return { ...source, name, variant: basename(withoutGz(local)), split: split.local };
  }
  const config = `wikitext-${size}-raw-v1`;
  const files = size === 103 ? split.files103 : 1;
  const advice =
    `Put wiki.${split.local}.raw or wiki.${split.local}.tokens in a folder and set AUDIT_DATA_DIR to it; ` +
    'HF_ENDPOINT and HTTPS_PROXY are obeyed; --data sample needs no network.';
  const paths: string[] = [];
  for (let index = 0; index < files; index++) {
    const path = `${config}/${split.hub}-${pad(index)}-of-${pad(files)}.parquet`;
    const file = { type: 'datasets' as const, id: dataset, revision, path };
    const { onStage, onProgress, signal } = spec;
    paths.push(await hubFile(file, hub, { onStage, onProgress, signal, advice, sha256Only: true }));
  }
  return {
    name,
    variant: config,
    split: split.local,
    bytes: await parquetBytes(paths),
    lines: () => parquetLines(paths, { documents: false }),
  };
}

async function findLocal(root: string, size: 2 | 103, split: string): Promise<string | null> {
  const folders = [`wikitext-${size}-raw`, `wikitext-${size}`].map((name) => join(root, name));
  if (size === 2) folders.unshift(root);
  for (const kind of ['raw', 'tokens']) {
    for (const folder of folders) {
      for (const ending of ['', '.gz']) {
        const path = join(folder, `wiki.${split}.${kind}${ending}`);
        if ((await stat(path).catch(() => null))?.isFile()) return path;
      }
    }
  }
  return null;
}

function pad(number: number): string {
  return String(number).padStart(5, '0');
}
