import { stat } from 'node:fs/promises';
import { didYouMean, UserError } from '../errors.js';

/** Names of data sets, each with a line of help. */
export const knownData: Record<string, string> = {
  sample: 'text (or a graph, for graph models) that ships with the package',
  wikitext: 'WikiText-2: AUDIT_DATA_DIR, the cache, or the Hugging Face hub',
  'wikitext-103': 'WikiText-103, found the same way',
  cora: 'the Cora citation graph: AUDIT_DATA_DIR, the cache, or AUDIT_CORA_URL',
  random: 'seeded noise of the shapes the model asks for',
};

/** Other values of the setting `data`, for help. */
export const dataPaths =
  'a .txt, .jsonl, .tokens or .raw file (also .gz), a .parquet of texts, a .npz of arrays named after the model’s inputs, or a folder of MNIST (idx), CIFAR-10 (binary) or LINQS files';

/** Returns the kind of a path. @throws UserError that lists the data sets, when nothing is there. */
export async function pathKind(path: string): Promise<'file' | 'folder'> {
  const info = await stat(path).catch(() => null);
  if (info?.isDirectory()) return 'folder';
  if (info !== null) return 'file';
  if (/[/\\]|\.\w+$/.test(path)) throw new UserError(`There is no file \`${path}\`.`, 'data-missing');
  const names = Object.keys(knownData);
  throw new UserError(
    `There is no data set \`${path}\`: expected one of ${names.join(', ')}, or ${dataPaths}.${didYouMean(path, names)}`,
    'data-unknown',
  );
}
