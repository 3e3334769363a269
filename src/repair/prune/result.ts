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
import type { PruneReport } from './schema.js';

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
  measurement: Measurement,
  choices: readonly Choice[],
  options: PruneReport['options'],
): (written: WrittenFacts) => PruneReport {
  const before = reportOf(measurement, { model: describeModel(subject, subject.options.name) });
  const sites = choices.map(siteResult);
  const removed = sites.reduce((sum, site) => sum + site.removed.length, 0);
  const hasKept = sites.some(({ kept }) => kept.length > 0);
  return ({ output, files, parameters, check }) => ({
    schemaVersion: SCHEMA_VERSION,
    kind: 'prune',
    tool,
    createdAt: new Date().toISOString(),
    warnings: [
      ...before.warnings.filter(({ code }) => !(options.exact && code === 'resolution')),
      ...(options.exact && removed > 0 ? [constantOnData(measurement)] : []),
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
      parameters: { before: before.model.parameters, after: parameters },
      bytes: { before: totalBytes(before.model.files), after: totalBytes(files) },
      forwardSeconds: check?.forwardSeconds ?? null,
    },
    outputs: check && {
      ...check.outputs,
      relative: finiteOrNull(check.outputs.relative),
      tolerance: check.tolerance,
    },
    quality: check
      ? compareQuality(check.quality.before, check.quality.after)
      : { reason: 'nothing was removed, so nothing was changed' },
    output: { path: output, files },
  });
}

function siteResult(choice: Choice): PruneReport['sites'][number] {
  const { neurons, removed, zero, kept, refused } = choice;
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
    removed,
    kept,
    refused,
  };
}

/** Warns that a neuron may have other values on other data: the rule of three says how rarely. */
function constantOnData({ data: { positions } }: Measurement): Warning {
  const rate = percent(Math.min(1, resolution(positions) ?? 1));
  return {
    code: 'constant-on-data',
    message:
      `The neurons had one value on these ${counted(positions, 'position')}: one that takes another less often than ` +
      `at ${rate} of positions may be among them (95 %).`,
  };
}

const totalBytes = (files: { bytes: number }[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
