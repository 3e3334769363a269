import { existsSync, promises as nodeFiles } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Interrupted } from '../../errors.js';
import type { FileSystem } from '../../files/atomic.js';
import { type CloneJob, writeClones } from '../../files/clone.js';
import { hashWithPatches } from '../../files/hash.js';
import { recordPath, setStatus } from '../../files/journal.js';
import { mergePatches } from '../../files/merge-patches.js';
import { type BytePatch, patchFile } from '../../files/patch.js';
import { cannotWrite } from '../../files/reasons.js';
import { growthOf } from '../../files/splice.js';
import { readTextFile, writeTextFile } from '../../files/text-files.js';
import type { OpenedModel } from '../../onnx/skeleton.js';
import type { Destination } from '../destination.js';
import { shifted } from '../relocate-data.js';
import { nameInRecord, undoStrip } from './journal.js';
import { formatStripRecord, type StripRecord } from './record.js';
import type { StripReport } from './schema.js';
import { type Target, targetsOf } from './targets.js';

/** A record without what only the writing knows. */
export type RecordParts = Pick<StripRecord, 'tool' | 'createdAt' | 'options'> & {
  changes: (Omit<StripRecord['changes'][number], 'file' | 'offsets' | 'width' | 'before' | 'after'> & {
    patches: BytePatch[];
  })[];
};

/**
 * Writes a stripped model: the record first, fsynced; then clones with the changed bytes, or the bytes in place.
 * Only files with changed weights are cloned, under a new name where the old one is taken by the original; other
 * external data is shared where the output is in the same folder, and hard-linked or copied where it is not.
 */
export async function writeStripped(
  opened: OpenedModel,
  to: Destination,
  parts: RecordParts,
  { files: fs = nodeFiles, signal }: { files?: FileSystem; signal?: AbortSignal } = {},
): Promise<NonNullable<StripReport['output']>> {
  const patches = mergePatches(parts.changes.flatMap((change) => change.patches));
  const model = 'inPlace' in to ? opened.path : resolve(to.output);
  const targets = await targetsOf(opened, patches, model, 'inPlace' in to);
  const record = recordPath(model);
  const changed = targets.filter((target) => target.patches.length > 0 || target.source === opened.files[0]);
  const hashed: StripRecord['files'] = [];
  for (const { source, path, patches: own, splices } of changed) {
    const { now, patched } = await hashWithPatches(source.path, own, { signal, splices }).catch((error) => {
      throw signal?.aborted ? new Interrupted('Interrupted; nothing was written.') : error;
    });
    hashed.push({
      name: nameInRecord(model, path),
      bytes: source.bytes + growthOf(splices),
      sha256: { before: now, after: patched },
    });
  }
  const written = parts.changes.length > 0;
  const content: StripRecord = {
    schemaVersion: 1,
    kind: 'strip-record',
    status: 'inPlace' in to ? 'pending' : 'applied',
    tool: parts.tool,
    createdAt: parts.createdAt,
    model: opened.path,
    options: parts.options,
    files: hashed,
    relocated: targets
      .filter(({ relocated }) => relocated)
      .map(({ source, path }) => ({ from: source.name, to: nameInRecord(model, path) })),
    changes: parts.changes.map(({ patches: own, ...change }) => {
      const file = changed.findIndex(({ source }) => source.path === own[0]!.file);
      return {
        ...change,
        file,
        offsets: shifted(own, changed[file]!.splices).map(({ offsetBytes }) => offsetBytes),
        width: own[0]!.before.length,
        before: base64(own.map(({ before }) => before)),
        after: base64(own.map(({ after }) => after)),
      };
    }),
  };
  if ('inPlace' in to) {
    if (written) await writeInPlace(record, content, changed, fs);
  } else {
    await writeOutput(record, content, targets, fs);
  }
  return { path: model, record: written || 'output' in to ? record : null, files: hashed };
}

async function writeOutput(
  record: string,
  content: StripRecord,
  targets: readonly Target[],
  fs: FileSystem,
): Promise<void> {
  const earlier = existsSync(record) ? await readTextFile(record) : null;
  const fresh = targets.slice(1).filter(({ path }) => !existsSync(path));
  await writeTextFile(record, formatStripRecord(content));
  try {
    const jobs: CloneJob[] = [];
    for (const [i, target] of targets.entries()) {
      await fs.mkdir(dirname(target.path), { recursive: true });
      const { source, path: to, patches, splices } = target;
      if (i > 0 && patches.length === 0 && (await linkFile(target, fs))) continue;
      jobs.push({ from: source.path, to, patches, splices });
    }
    await writeClones(jobs, fs);
  } catch (error) {
    const ours = [...(earlier === null ? [record] : []), ...fresh.map(({ path }) => path)];
    for (const path of ours) await nodeFiles.rm(path, { force: true }).catch(() => {});
    if (earlier !== null) await writeTextFile(record, earlier).catch(() => {});
    throw cannotWrite(targets[0]!.path, error);
  }
}

/** Shares an unchanged file with the original; where a link is impossible it is copied. */
async function linkFile({ source, path }: Target, fs: FileSystem): Promise<boolean> {
  try {
    await fs.link(source.path, path);
    return true;
  } catch {
    return false;
  }
}

async function writeInPlace(
  record: string,
  content: StripRecord,
  changed: readonly Target[],
  fs: FileSystem,
): Promise<void> {
  await writeTextFile(record, formatStripRecord(content));
  try {
    for (const { path, patches } of changed) if (patches.length > 0) await patchFile(path, patches, fs);
  } catch (error) {
    const restored = await undoStrip(content.model).then(
      () => true,
      () => false,
    );
    const advice = ` (some weights are changed; \`audit strip --undo ${content.model}\` restores it)`;
    throw cannotWrite(content.model + (restored ? '' : advice), error);
  }
  await setStatus(record, 'applied', fs);
}

const base64 = (parts: Uint8Array[]): string => Buffer.concat(parts).toString('base64');
