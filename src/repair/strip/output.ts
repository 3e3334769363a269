import { existsSync, promises as nodeFiles, realpathSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { FileSystem } from '../../files/atomic.js';
import { recordPath, setStatus } from '../../files/journal.js';
import { mergePatches } from '../../files/merge-patches.js';
import { type BytePatch, patchFile } from '../../files/patch.js';
import { cannotWrite } from '../../files/reasons.js';
import { writeTextFile } from '../../files/text-files.js';
import { hashFiles } from '../../measure/describe-model.js';
import type { OpenedModel } from '../../onnx/skeleton.js';
import { changedCopies, hashChanges } from '../changed-files.js';
import type { Destination } from '../destination.js';
import { copiesBeside, copiesInPlace, type FileCopy, writeCopies } from '../model-copy.js';
import { shiftPatches } from '../relocate-data.js';
import { formatStripRecord, readStripRecord, type StripRecord } from './record.js';
import type { StripReport } from './schema.js';
import { undoStrip } from './undo.js';

/** A record without what only the writing knows. */
export type RecordParts = Pick<StripRecord, 'tool' | 'createdAt' | 'options'> & {
  changes: (Omit<StripRecord['changes'][number], 'file' | 'offsets' | 'width' | 'before' | 'after'> & {
    patches: BytePatch[];
  })[];
};

/**
 * Writes a stripped model and its record. A new file gets its name together with the record. In place the
 * record is written first, as a journal, and then the bytes.
 *
 * @throws UserError when the disk refuses: the model, or an earlier output, is as it was.
 */
export async function writeStripped(
  opened: OpenedModel,
  to: Destination,
  parts: RecordParts,
  { files: fs = nodeFiles, signal }: { files?: FileSystem; signal?: AbortSignal } = {},
): Promise<NonNullable<StripReport['output']>> {
  const inPlace = 'inPlace' in to;
  const model = inPlace ? opened.path : resolve(to.output);
  const patches = mergePatches(parts.changes.flatMap((change) => change.patches));
  const copies = inPlace
    ? copiesInPlace(opened, patches)
    : copiesBeside(opened, patches, model, await filesOfRecord(model));
  const folder = dirname(copies[0]!.path);
  const files = await hashChanges(copies, ({ path }) => relative(folder, path), signal);
  const content: StripRecord = {
    schemaVersion: 1,
    kind: 'strip-record',
    status: inPlace ? 'pending' : 'applied',
    tool: parts.tool,
    createdAt: parts.createdAt,
    model: opened.path,
    parent: await parentOf(copies[0]!, files[0]!.sha256.before),
    options: parts.options,
    files,
    relocated: copies
      .filter(({ isRenamed }) => isRenamed)
      .map(({ source, path }) => ({ from: source.name, to: relative(folder, path) })),
    changes: parts.changes.map((change) => recordedChange(change, changedCopies(copies))),
  };
  const record = recordPath(model);
  const isChanged = parts.changes.length > 0;
  if (!inPlace) {
    const bytes = Buffer.from(formatStripRecord(content));
    await writeCopies(model, copies, [{ to: recordPath(copies[0]!.path), bytes }], fs);
  } else if (isChanged) {
    await writeInPlace(record, content, copies, fs);
  }
  return { path: model, record: inPlace && !isChanged ? null : record, files };
}

/** Returns the paths that the record of an earlier output names: the next output may write over them. */
async function filesOfRecord(model: string): Promise<Set<string>> {
  const path = recordPath(model);
  if (!existsSync(path)) return new Set();
  const { files } = await readStripRecord(path);
  return new Set(files.map(({ name }) => join(realpathSync(dirname(path)), name)));
}

/**
 * Returns the SHA-256 of the model file as it was, before locations of external data were changed in its
 * copy.
 */
async function parentOf({ source, splices }: FileCopy, before: string): Promise<string> {
  if (splices.length === 0) return before;
  const [own] = await hashFiles([source], new AbortController().signal);
  return own!;
}

/** Completes a change with its bytes, and with their offsets in the copies. */
function recordedChange(
  { patches, ...change }: RecordParts['changes'][number],
  copies: readonly FileCopy[],
): StripRecord['changes'][number] {
  const file = copies.findIndex(({ source }) => source.path === patches[0]!.file);
  return {
    ...change,
    file,
    offsets: shiftPatches(patches, copies[file]!.splices).map(({ offsetBytes }) => offsetBytes),
    width: patches[0]!.before.length,
    before: base64(patches.map(({ before }) => before)),
    after: base64(patches.map(({ after }) => after)),
  };
}

const base64 = (parts: Uint8Array[]): string => Buffer.concat(parts).toString('base64');

async function writeInPlace(
  record: string,
  content: StripRecord,
  copies: readonly FileCopy[],
  fs: FileSystem,
): Promise<void> {
  await writeTextFile(record, formatStripRecord(content));
  try {
    for (const { path, patches } of copies) if (patches.length > 0) await patchFile(path, patches, fs);
  } catch (error) {
    const isRestored = await undoStrip(content.model).then(
      () => true,
      () => false,
    );
    const advice = ` (some weights are changed; \`audit strip --undo ${content.model}\` restores it)`;
    throw cannotWrite(content.model + (isRestored ? '' : advice), error);
  }
  await setStatus(record, 'applied', fs);
}
