import { tool } from '../../files/package.js';
import { describeModel } from '../../measure/describe-model.js';
import type { Measurement } from '../../measure/measurement.js';
import type { Subject } from '../../measure/subject.js';
import { counted, percent } from '../../report/format.js';
import { reportOf } from '../../report/of-measurement.js';
import { SCHEMA_VERSION, type Warning } from '../../report/schema.js';
import { resolution } from '../../stats/distribution.js';
import { compareQuality } from '../quality-change.js';
import type { Check } from './check.js';
import type { Choice } from './choose.js';
import type { OutputDifference } from './compare-outputs.js';
import type { PruneReport } from './schema.js';

/** Measurements on the data and on the second data set. */
export interface Measurements {
  first: Measurement;
  /** `null` without `verify`. */
  second: Measurement | null;
}

/** Facts that are known once the smaller model is written. */
export interface WrittenFacts {
  output: string;
  files: { name: string; bytes: number }[];
  /** Parameters of the written model. */
  parameters: number;
  /** `null` when nothing was removed. */
  check: Check | null;
}

/** Reports a pruning: takes the choice first, and what came of it when the model is written. */
export function pruneReport(
  subject: Subject,
  { first, second }: Measurements,
  choices: readonly Choice[],
  options: PruneReport['options'],
): (written: WrittenFacts) => PruneReport {
  const before = reportOf(first, { model: describeModel(subject, subject.options.name) });
  const sites = choices.map(siteResult);
  const removed = sites.reduce((sum, site) => sum + site.removed.length, 0);
  const proven = sites.reduce((sum, site) => sum + site.proven, 0);
  const hasKept = sites.some(({ kept }) => kept.length > 0);
  return ({ output, files, parameters, check }) => ({
    schemaVersion: SCHEMA_VERSION,
    kind: 'prune',
    tool,
    createdAt: new Date().toISOString(),
    warnings: [
      ...before.warnings.filter(({ code }) => !(options.exact && code === 'resolution')),
      ...(options.exact && removed > proven ? [constantOnData(first, second)] : []),
    ],
    model: before.model,
    data: before.data,
    runtime: before.runtime,
    criterion: before.criterion,
    options,
    sites,
    summary: {
      outcome: removed > 0 ? 'pruned' : hasKept ? 'nothing-to-remove' : 'nothing-dead',
      removed,
      proven,
      parameters: { before: before.model.parameters, after: parameters },
      bytes: { before: totalBytes(before.model.files), after: totalBytes(files) },
      forwardSeconds: check?.forwardSeconds ?? null,
    },
    outputs: check && outputsOf(check.outputs, check.tolerance),
    verification: second && {
      data: second.data,
      outputs: check?.secondOutputs ? outputsOf(check.secondOutputs, check.tolerance) : null,
    },
    quality: check
      ? compareQuality(check.quality.before, check.quality.after)
      : { reason: 'nothing was removed, so nothing was changed' },
    output: { path: output, files },
  });
}

function outputsOf(outputs: OutputDifference, tolerance: number | null): NonNullable<PruneReport['outputs']> {
  return { ...outputs, relative: finiteOrNull(outputs.relative), tolerance };
}

function siteResult(choice: Choice): PruneReport['sites'][number] {
  const { neurons, removed, zero, proven, kept, refused } = choice;
  const { id, stack, layer, part, site } = choice.site;
  return {
    id,
    stack,
    layer,
    site,
    part,
    neurons: { before: neurons, after: neurons - removed.length },
    zero,
    folded: removed.length - zero,
    proven,
    removed,
    kept,
    refused,
  };
}

/** Warns that a neuron may have other values on other data: the rule of three says how rarely. */
function constantOnData(first: Measurement, second: Measurement | null): Warning {
  const positions = first.data.positions + (second?.data.positions ?? 0);
  const rate = percent(Math.min(1, resolution(positions) ?? 1));
  return {
    code: 'constant-on-data',
    message:
      `The neurons that are not proven had one value on these ${counted(positions, 'position')}: one that takes ` +
      `another less often than at ${rate} of positions may be among them (95 %).`,
  };
}

const totalBytes = (files: { bytes: number }[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
