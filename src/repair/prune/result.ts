import { tool } from '../../files/package.js';
import type { NoQuality } from '../../measure/quality.js';
import { counted, percent } from '../../report/format.js';
import { type AuditReport, SCHEMA_VERSION, type Warning } from '../../report/schema.js';
import { resolution } from '../../stats/distribution.js';
import type { Quality } from '../../stats/quality.js';
import { compareQuality } from '../quality-change.js';
import type { OutputDifference } from './check.js';
import type { Choice } from './choose.js';
import type { PruneReport } from './schema.js';

/** What is known once the model is written. */
export interface Written {
  output: string;
  files: { name: string; bytes: number }[];
  /** Of the written model. */
  parameters: number;
  /** `null` when nothing was removed. */
  checked: {
    outputs: OutputDifference;
    tolerance: number | null;
    forwardSeconds: NonNullable<PruneReport['summary']['forwardSeconds']>;
    quality: Quality | NoQuality;
    after: Quality | NoQuality;
  } | null;
}

/** What a pruning did: first what was chosen, then what came of it. */
export function pruneReport(
  before: AuditReport,
  choices: readonly Choice[],
  options: PruneReport['options'],
): (written: Written) => PruneReport {
  const sites = choices.map(siteResult);
  const removed = sites.reduce((sum, site) => sum + site.removed.length, 0);
  const wanted = sites.some(({ kept }) => kept.length > 0);
  const unique = (id: string) => sites.some((site) => site.id === id);
  return ({ output, files, parameters, checked }) => ({
    schemaVersion: SCHEMA_VERSION,
    kind: 'prune',
    tool,
    createdAt: new Date().toISOString(),
    warnings: [
      ...before.warnings.filter(
        ({ code, site }) => (site === undefined || unique(site)) && !(options.exact && code === 'resolution'),
      ),
      ...(options.exact && removed > 0 ? [onTheDataOnly(before)] : []),
    ],
    model: before.model,
    data: before.data,
    runtime: before.runtime,
    criterion: before.criterion,
    options: { exact: options.exact, align: options.align },
    sites,
    summary: {
      outcome: removed > 0 ? 'pruned' : wanted ? 'nothing-to-remove' : 'nothing-dead',
      removed,
      parameters: { before: before.model.parameters, after: parameters },
      bytes: { before: total(before.model.files), after: total(files) },
      forwardSeconds: checked?.forwardSeconds ?? null,
    },
    outputs: checked && {
      ...checked.outputs,
      relative: finite(checked.outputs.relative),
      tolerance: checked.tolerance,
    },
    quality: checked
      ? compareQuality(checked.quality, checked.after)
      : { reason: 'nothing was removed, so nothing was changed' },
    output: { path: output, files },
  });
}

function siteResult({
  site,
  neurons,
  removed,
  zero,
  constant,
  kept,
  refused,
}: Choice): PruneReport['sites'][number] {
  const { id, stack, layer, part } = site;
  return {
    id,
    stack,
    layer,
    site: site.site,
    part,
    neurons: { before: neurons, after: neurons - removed.length },
    zero,
    folded: constant,
    removed,
    kept,
    refused,
  };
}

/** What was constant on the data may not be on other data: the rule of three says how rarely. */
function onTheDataOnly({ data: { positions } }: AuditReport): Warning {
  const rate = percent(Math.min(1, resolution(positions) ?? 1));
  return {
    code: 'constant-on-data',
    message: `The neurons had one value on these ${counted(positions, 'position')}: one that takes another less often than at ${rate} of positions may be among them (95 %).`,
  };
}

const total = (files: { bytes: number }[]): number => files.reduce((sum, { bytes }) => sum + bytes, 0);
const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
