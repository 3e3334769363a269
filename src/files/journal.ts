import { closeSync, existsSync, promises as nodeFiles, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError } from '../errors.js';
import type { FileSystem } from './atomic.js';

/**
 * State of the record beside a model. While it is `pending` the model's files may hold any mixture of old and
 * new bytes; from `applied` on they are as the record says.
 */
export type RecordStatus = 'pending' | 'applied';

/** Returns the path of the record of what was done to a model: `out.onnx.strip.json`. */
export const recordPath = (model: string): string => `${resolve(model)}.strip.json`;

/** Bytes read to find the status. */
const HEAD_BYTES = 256;

/**
 * Begins every record, so that the status is read and changed without the rest. Both words have seven
 * letters.
 */
const HEAD = /^\{\s*"schemaVersion":\s*1,\s*"kind":\s*"strip-record",\s*"status":\s*"(pending|applied)"/;

/**
 * Returns the status in the record of a model, `null` when the model has none. Reads only the record's first
 * bytes.
 */
export function recordStatus(model: string): RecordStatus | null {
  const path = recordPath(model);
  if (!existsSync(path)) return null;
  const head = Buffer.alloc(HEAD_BYTES);
  const descriptor = openSync(path, 'r');
  try {
    return statusIn(head.toString('utf8', 0, readSync(descriptor, head, 0, head.length, 0)))?.status ?? null;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * @throws UserError when a change in place of the model was interrupted, so that old and new weights are
 *   mixed.
 */
export function refusePending(model: string): void {
  if (recordStatus(model) !== 'pending') return;
  throw new UserError(
    `A strip in place of \`${model}\` was interrupted: some of its weights are changed, and some are not. ` +
      `\`audit strip --undo ${model}\` restores it.`,
    'strip-pending',
  );
}

/** Overwrites the status in a record, within one sector of the disk, and fsyncs. */
export async function setStatus(
  path: string,
  status: RecordStatus,
  files: FileSystem = nodeFiles,
): Promise<void> {
  const handle = await files.open(path, 'r+');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    await handle.read(head, 0, head.length, 0);
    const found = statusIn(head.toString('utf8'));
    if (!found) throw new UserError(`\`${path}\` is no record of \`audit strip\`.`, 'not-a-strip-record');
    await handle.write(Buffer.from(status), 0, status.length, found.offsetBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Finds the status in a record's first bytes; `null` when these begin no record. */
function statusIn(head: string): { status: RecordStatus; offsetBytes: number } | null {
  const match = HEAD.exec(head);
  const status = match?.[1] as RecordStatus | undefined;
  return match && status ? { status, offsetBytes: match[0].length - 1 - status.length } : null;
}
