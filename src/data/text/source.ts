import { basename } from 'node:path';
import { UserError } from '../../errors.js';
import { END_OF_DOCUMENT, type LineChunks } from './document.js';
import { jsonlLines } from './jsonl.js';
import { fileBytes, fileLines } from './lines.js';
import { parquetBytes, parquetLines } from './parquet.js';

/** Text to audit with. `lines` gives the same at every call. */
export interface TextSource {
  name: string;
  /** Exact version, e.g. `wikitext-2-raw-v1` or `wiki.test.tokens`. */
  variant: string | null;
  split: string | null;
  /** Rough lower bound of the bytes of text; `null` when unknown. */
  bytes: number | null;
  lines(): LineChunks;
}

/** File name endings of text, each also with `.gz`. */
const textEndings = ['.txt', '.jsonl', '.tokens', '.raw', '.parquet'];

/** True if the path has the ending of a text file that this tool reads. */
export function isTextPath(path: string): boolean {
  const plain = withoutGz(path).toLowerCase();
  return textEndings.some((ending) => plain.endsWith(ending)) && !path.toLowerCase().endsWith('.parquet.gz');
}

/**
 * Returns a text file as a source. It is streamed: memory does not grow with the file.
 *
 * @throws UserError when the file is missing, empty, or not text.
 */
export async function fileSource(path: string): Promise<TextSource> {
  const plain = withoutGz(path).toLowerCase();
  const source: TextSource = {
    name: basename(path),
    variant: basename(path),
    split: null,
    bytes: null,
    lines: () => fileLines(path),
  };
  if (plain.endsWith('.parquet')) {
    source.bytes = await parquetBytes([path]);
    source.lines = () => parquetLines([path], { documents: true });
  } else {
    source.bytes = await fileBytes(path);
    if (plain.endsWith('.jsonl')) source.lines = () => jsonlLines(path);
  }
  await expectText(source, path);
  return source;
}

/** Reads up to the first line that is not blank. */
async function expectText(source: TextSource, path: string): Promise<void> {
  for await (const lines of source.lines()) {
    if (lines.some((line) => line !== END_OF_DOCUMENT && line.trim() !== '')) return;
  }
  throw new UserError(`${path} holds no text: expected at least one line that is not blank.`, 'data-no-text');
}

/** Returns the path without a final `.gz`. */
export function withoutGz(path: string): string {
  return path.toLowerCase().endsWith('.gz') ? path.slice(0, -3) : path;
}
