import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { recordPath } from '../files/journal.js';
import type { Model } from '../graph/model.js';
import type { OpenedModel } from '../onnx/skeleton.js';
import { readStripRecord } from './strip/record.js';

/** The model that a repair was made from, and the command that made it. */
export interface Lineage {
  /** SHA-256 of the model file that was repaired. */
  parent: string;
  command: string;
}

/** Keys of a model's metadata. */
const PARENT = 'activation_auditor.parent';
const COMMAND = 'activation_auditor.command';

/**
 * Notes in a model's metadata what it was made from, in place of an earlier note. For repairs that write a
 * new graph: where every other byte of a file is promised to stay (strip, flip), nothing can be noted in it.
 */
export function addLineage(model: Model, { parent, command }: Lineage): void {
  const others = model.metadataProps.filter(({ key }) => key !== PARENT && key !== COMMAND);
  const entry = (key: string, value: string) => ({ key, value, unknown: [] });
  model.metadataProps = [...others, entry(PARENT, parent), entry(COMMAND, command)];
}

/**
 * Returns what a model was made from, by the record of a strip beside it or else by its metadata; `null`
 * where neither says so. A record counts only if all its files are as the strip left them.
 *
 * @param hashes SHA-256 of the model's files, in their order; empty where they are not known. Then no record
 *   counts.
 */
export async function lineageOf(
  opened: OpenedModel,
  hashes: readonly (string | null)[],
): Promise<Lineage | null> {
  return (await recordedLineage(opened, hashes)) ?? lineageInMetadata(opened);
}

async function recordedLineage(
  { path, files }: OpenedModel,
  hashes: readonly (string | null)[],
): Promise<Lineage | null> {
  const sidecar = recordPath(path);
  if (hashes.length === 0 || !existsSync(sidecar)) return null;
  // A damaged record is the concern of `strip --undo`: an audit goes on without it.
  const record = await readStripRecord(sidecar).catch(() => null);
  if (!record || record.changes.length === 0) return null;
  const folder = realpathSync(dirname(sidecar));
  const isAsLeft = record.files.every(({ name, sha256 }) => {
    const index = files.findIndex((file) => file.path === join(folder, name));
    return index >= 0 && hashes[index] === sha256.after;
  });
  if (!isAsLeft) return null;
  const { by, fraction, rounds } = record.options;
  return {
    parent: record.parent ?? record.files[0]!.sha256.before,
    command: `audit strip --by ${by} --fraction ${fraction} --rounds ${rounds}`,
  };
}

/** A SHA-256 in hex. */
const SHA256 = /^[0-9a-f]{64}$/;

function lineageInMetadata({ proto }: OpenedModel): Lineage | null {
  const entry = (key: string) => proto.metadataProps.find((each) => each.key === key)?.value;
  const [parent, command] = [entry(PARENT), entry(COMMAND)];
  return parent && SHA256.test(parent) && command ? { parent, command } : null;
}
