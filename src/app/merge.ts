import { UserError } from '../errors.js';
import { finishReport, type ReportParts, siteReport } from '../report/build.js';
import { partsOf, siteCounters } from '../report/recompute.js';
import type { AuditReport, Shard, SiteReport, Warning } from '../report/schema.js';
import { mergeCounters } from '../stats/counters.js';
import { histogramsAgree } from '../stats/value-histogram.js';

/** A report, and the path that messages call it by. */
export interface NamedReport {
  path: string;
  report: AuditReport;
}

/**
 * Merges the reports of shards into one, and computes everything derived anew: its counts equal those of a
 * report of the whole data. `data.shard` is `null` if no shard is missing, else the list of those that were
 * merged.
 *
 * The order of the reports makes no difference. Verdicts and graph measures are left out: they cannot be
 * merged. Histograms with unequal edges are dropped with a warning.
 *
 * @throws UserError when the reports are not of shards of one audit, or overlap.
 */
export function mergeReports(inputs: NamedReport[], createdAt = new Date().toISOString()): AuditReport {
  const ordered = inputs.toSorted((a, b) => firstIndex(a.report) - firstIndex(b.report));
  const first = ordered[0];
  if (!first) throw new UserError('Expected the reports of at least one shard to merge.', 'nothing-to-merge');
  for (const other of ordered.slice(1)) checkSame(first, other);
  const shard = mergeShards(ordered);
  const reports = ordered.map(({ report }) => report);
  const warnings: Warning[] = [];
  const sites = first.report.sites.map((_, index) => mergeSite(reports, index, warnings));
  warnings.push(...uniqueWarnings(reports), ...dropped(reports));
  const { graph: _graph, ...parts } = partsOf(first.report);
  return finishReport({
    ...parts,
    createdAt,
    warnings,
    model: { ...first.report.model, files: mergeFiles(reports) },
    data: {
      ...first.report.data,
      positions: total(reports, ({ data }) => data.positions),
      sequences: total(reports, ({ data }) => data.sequences),
      shard,
      complete: reports.every(({ data }) => data.complete),
    },
    runtime: mergeRuntime(reports),
    sites,
    aliveShares: mergeAliveShares(reports),
  });
}

/** Adds up the living points of the shards; a share of points times their number is a whole number. */
function mergeAliveShares(reports: AuditReport[]): NonNullable<ReportParts['aliveShares']> {
  const points = total(reports, ({ data }) => data.positions);
  return reports[0]!.layers.flatMap(({ stack, layer }) => {
    const alive = reports.map(({ layers, data }) => {
      const share = layers.find((each) => each.stack === stack && each.layer === layer)?.aliveShare;
      return share === undefined || share === null ? Number.NaN : Math.round(share * data.positions);
    });
    const all = alive.reduce((sum, count) => sum + count, 0);
    return Number.isNaN(all) || points === 0 ? [] : [{ stack, layer, aliveShare: all / points }];
  });
}

/** Facts that must be the same in all reports, in the words of the message. */
const SAME: [string, (report: AuditReport) => unknown][] = [
  ['another model (graphSha256 differs)', ({ model }) => model.graphSha256],
  [
    'another criterion',
    ({ criterion: { firing, threshold, dead, deadBelow } }) => [firing, threshold, dead, deadBelow],
  ],
  ['another tokenizer', ({ data }) => data.tokenizer],
  ['other data', ({ data }) => [data.name, data.variant, data.split]],
  ['another sequence length', ({ data }) => data.seqLen],
  ['other sites', ({ sites }) => sites.map(({ id, neurons }) => [id, neurons])],
];

function checkSame(first: NamedReport, other: NamedReport): void {
  const refuse = (what: string, found?: [unknown, unknown]) => {
    const shown =
      found && JSON.stringify(found).length < 160
        ? `: ${found.map((x) => JSON.stringify(x)).join(' and ')}`
        : '';
    const message = `\`${other.path}\` is of ${what} than \`${first.path}\`${shown}; only shards of one audit can be merged.`;
    throw new UserError(message, 'cannot-merge');
  };
  for (const [what, of] of SAME) {
    const [a, b] = [of(first.report), of(other.report)];
    if (JSON.stringify(a) !== JSON.stringify(b)) refuse(what, [a, b]);
  }
  for (const file of other.report.model.files) {
    const same = first.report.model.files.find(({ name }) => name === file.name);
    if (same?.sha256 && file.sha256 && same.sha256 !== file.sha256) {
      refuse('a model with other weights (sha256 differs)', [same.sha256, file.sha256]);
    }
  }
}

function mergeSite(reports: AuditReport[], index: number, warnings: Warning[]): SiteReport {
  const site = reports[0]!.sites[index]!;
  let merged = siteCounters(site);
  let agreed = true;
  for (const report of reports.slice(1)) {
    const next = siteCounters(report.sites[index]!);
    agreed &&= histogramsAgree(merged, next);
    merged = mergeCounters(merged, next);
  }
  if (!agreed) {
    const message = `The value histograms of ${site.id} have unequal bins and were dropped; its counters are whole.`;
    warnings.push({ code: 'histogram-dropped', message, site: site.id });
  }
  return siteReport(site, merged, reports[0]!.criterion);
}

/** Lists the shards of all reports, increasing; `null` if none is missing. */
function mergeShards(inputs: NamedReport[]): AuditReport['data']['shard'] {
  if (inputs.length === 1 && inputs[0]!.report.data.shard === null) return null;
  const seen = new Map<number, string>();
  let count: number | null = null;
  for (const { path, report } of inputs) {
    const shards = shardsOf(report);
    if (shards.length === 0) {
      const message = `\`${path}\` is of the whole data, not of a shard (\`shard=I/N\`): there is nothing to merge it with.`;
      throw new UserError(message, 'cannot-merge', { settings: ['shard'] });
    }
    for (const shard of shards) {
      count ??= shard.count;
      if (shard.count !== count) {
        const message = `\`${path}\` is shard ${shard.index} of ${shard.count}, but the others are of ${count}.`;
        throw new UserError(message, 'cannot-merge');
      }
      const index = shard.index % count;
      const other = seen.get(index);
      if (other !== undefined) {
        const message = `\`${other}\` and \`${path}\` overlap: both hold shard ${shard.index} of ${count}.`;
        throw new UserError(message, 'cannot-merge');
      }
      seen.set(index, path);
    }
  }
  if (seen.size === count) return null;
  const shards = [...seen.keys()].sort((a, b) => a - b).map((index) => ({ index, count: count! }));
  return inputs.length === 1 ? inputs[0]!.report.data.shard : shards;
}

function shardsOf({ data: { shard } }: AuditReport): Shard[] {
  return shard === null ? [] : [shard].flat();
}

/** Index of a report's first shard: merged in this order, sums round the same in any order of the files. */
function firstIndex(report: AuditReport): number {
  return Math.min(...shardsOf(report).map(({ index, count }) => index % count), Number.MAX_SAFE_INTEGER);
}

function mergeFiles(reports: AuditReport[]): AuditReport['model']['files'] {
  return reports[0]!.model.files.map((file) => {
    const hashed = reports.map(({ model }) =>
      model.files.find(({ name, sha256 }) => name === file.name && sha256),
    );
    return hashed.find((found) => found !== undefined) ?? file;
  });
}

function mergeRuntime(reports: AuditReport[]): AuditReport['runtime'] {
  const all = (field: 'device' | 'provider' | 'onnxruntime') =>
    [...new Set(reports.map(({ runtime }) => runtime[field]))].join(', ');
  const durationSeconds = total(reports, ({ runtime }) => runtime.durationSeconds);
  const positions = total(reports, ({ data }) => data.positions);
  const peaks = reports.flatMap(({ runtime }) => runtime.peakRssBytes ?? []);
  return {
    device: all('device'),
    provider: all('provider'),
    onnxruntime: all('onnxruntime'),
    durationSeconds,
    positionsPerSecond: durationSeconds > 0 ? positions / durationSeconds : null,
    peakRssBytes: peaks.length > 0 ? Math.max(...peaks) : null,
  };
}

/** The warnings of all reports that are not derived anew, each once. */
function uniqueWarnings(reports: AuditReport[]): Warning[] {
  const all = reports.flatMap((report) => partsOf(report).warnings);
  return [...new Map(all.map((warning) => [JSON.stringify(warning), warning])).values()];
}

function dropped(reports: AuditReport[]): Warning[] {
  if (!reports.some(({ graph }) => graph)) return [];
  return [
    {
      code: 'not-merged',
      message: 'Graph measures of shards cannot be merged and were left out.',
    },
  ];
}

function total(reports: AuditReport[], of: (report: AuditReport) => number): number {
  return reports.reduce((sum, report) => sum + of(report), 0);
}
