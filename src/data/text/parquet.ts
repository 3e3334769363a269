import { open } from 'node:fs/promises';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { UserError } from '../../errors.js';
import { documentLines, END_OF_DOCUMENT } from './document.js';
import { unreadable } from './lines.js';

/** Returns the bytes of text in the files' text column, unpacked. */
export async function parquetBytes(paths: string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) {
    await withFile(path, async (file) => {
      const metadata = await parquetMetadataAsync(file);
      const column = textColumn(metadata, path);
      for (const group of metadata.row_groups) {
        const chunk = group.columns.find((each) => each.meta_data?.path_in_schema[0] === column);
        bytes += Number(chunk?.meta_data?.total_uncompressed_size ?? 0);
      }
    });
  }
  return bytes;
}

/**
 * Reads the text column of parquet files, row group by row group: the column `text`, else the first string
 * column. With `documents` each row is a document; without, each row is a line, as in the hub's WikiText.
 *
 * @throws UserError when a file is no parquet file, cut short, or has no text column.
 */
export async function* parquetLines(
  paths: string[],
  options: { documents: boolean },
): AsyncGenerator<(string | null)[]> {
  for (const path of paths) {
    const metadata = await withFile(path, (file) => parquetMetadataAsync(file));
    const column = textColumn(metadata, path);
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const texts = await withFile(path, (file) => readColumn(file, metadata, column, rowStart, rowEnd));
      rowStart = rowEnd;
      yield options.documents
        ? texts.flatMap((text) => [...documentLines(text), END_OF_DOCUMENT])
        : texts.map((text) => (text === '' || text.endsWith('\n') ? text : `${text}\n`));
    }
  }
}

async function readColumn(
  file: AsyncBuffer,
  metadata: FileMetaData,
  column: string,
  rowStart: number,
  rowEnd: number,
): Promise<string[]> {
  let texts: string[] = [];
  const onComplete = (rows: unknown[][]) => {
    texts = rows.map((row) => String(row[0] ?? ''));
  };
  await parquetRead({ file, metadata, columns: [column], rowStart, rowEnd, compressors, onComplete });
  return texts;
}

function textColumn(metadata: FileMetaData, path: string): string {
  const columns = metadata.schema.filter((each) => each.type === 'BYTE_ARRAY').map((each) => each.name);
  const column = columns.includes('text') ? 'text' : columns[0];
  if (column !== undefined) return column;
  throw new UserError(`${path} has no column of strings: expected one named "text".`, 'data-no-text');
}

/** Opens the file for the time of one use. Errors of the parquet reader become one sentence. */
async function withFile<T>(path: string, use: (file: AsyncBuffer) => Promise<T>): Promise<T> {
  const handle = await open(path).catch((cause) => {
    throw unreadable(path, cause);
  });
  try {
    const { size } = await handle.stat();
    const slice = async (start: number, end = size): Promise<ArrayBuffer> => {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      await handle.read(bytes, 0, bytes.length, start);
      return bytes.buffer;
    };
    return await use({ byteLength: size, slice });
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `${path} is not a whole parquet file (${(cause as Error).message}); download or copy it again.`,
      'data-truncated',
      { cause },
    );
  } finally {
    await handle.close();
  }
}
