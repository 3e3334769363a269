import { createHash } from 'node:crypto';
import { siteCounters } from '../../report/recompute.js';
import type { AuditReport, GraphReport, SiteKind, SiteReport } from '../../report/schema.js';
import { frequencies } from '../../stats/distribution.js';
import type { Flag } from '../../stats/flags.js';
import type { ValueHistogram } from '../../stats/types.js';
import { FREQUENCY_BOUNDS, VALUE_BOUNDS } from './names.js';

/** Dead neurons of a site that an extract lists: it is to stay small. The report has them all. */
const LISTED_NEURONS = 200;

/** The part of a report that metrics and pages need: a few kB instead of megabytes. Plain JSON. */
export interface AuditExtract {
  extractVersion: 1;
  model: string;
  path: string;
  bytes: number;
  /**
   * Identity of the audited file's content: it changes when the file is replaced. Extracts of older versions
   * have none.
   */
  file?: string;
  step: number | null;
  createdAt: string;
  durationSeconds: number;
  positionsPerSecond: number | null;
  positions: number;
  complete: boolean;
  resolution: number | null;
  deadRatio: number | null;
  capacityRatio: number | null;
  architecture: string;
  data: string;
  criterion: string;
  onnxruntime: string;
  warnings: number;
  gate: { status: 'passed' | 'failed'; rules: RuleExtract[] } | null;
  sites: SiteExtract[];
  /** Over-smoothing; graph models only. */
  graph: (SiteLocation & {
    dirichletEnergy: number | null;
    distanceToMean: number | null;
    effectiveRank: number | null;
    degreeNormalisedDirichletEnergy: number | null;
    meanAverageDistance: number | null;
    zeroShare: number | null;
  })[];
}

/**
 * A rule of the gate, over all the sites that it was applied to. Extracts of older versions have the first
 * two alone.
 */
export interface RuleExtract {
  rule: string;
  passed: boolean;
  /** Site that the value was found at: the first that failed, else the first. `null` for the whole model. */
  site?: string | null;
  /** Value found there. */
  value?: number | null;
}

/** Identity of a site: its id and the labels that the id is made of. */
export type SiteLocation = Pick<SiteReport, 'id' | 'stack' | 'layer' | 'part'> & {
  site: SiteKind | GraphReport['site'];
};

export interface SiteExtract extends SiteLocation {
  neurons: number;
  dead: number;
  /** Indices of the first dead neurons, at most `LISTED_NEURONS`. Extracts of older versions have none. */
  deadNeurons?: number[];
  deadRatio: number | null;
  flags: Record<Flag, number>;
  /** `null` where there is no earlier audit to compare with. */
  newlyDead: number | null;
  revived: number | null;
  nonFiniteValues: number;
  /** Neurons per bucket of FREQUENCY_BOUNDS and `+Inf`, not cumulative. */
  frequency: { counts: number[]; sum: number };
  /** Values per bucket of VALUE_BOUNDS and `+Inf`; `null` where no histogram was collected. */
  values: { counts: number[] } | null;
}

/**
 * Makes the extract of a report.
 *
 * @param previous The model's report before on the same data, to count newly dead and revived neurons.
 */
export function extractOf(report: AuditReport, previous: AuditReport | null = null): AuditExtract {
  const { model, data, runtime, criterion, summary } = report;
  const before = new Map(previous?.sites.map((site) => [site.id, site]));
  return {
    extractVersion: 1,
    model: model.name,
    path: model.path,
    bytes: model.files[0]?.bytes ?? 0,
    file: contentOf(model),
    step: model.step ?? null,
    createdAt: report.createdAt,
    durationSeconds: runtime.durationSeconds,
    positionsPerSecond: runtime.positionsPerSecond,
    positions: data.positions,
    complete: data.complete,
    resolution: criterion.resolution,
    deadRatio: summary.deadRatio,
    capacityRatio: summary.capacity.ratio,
    architecture: model.architecture ?? '',
    data: dataName(report),
    criterion: criterion.deadBelow === null ? criterion.dead : `${criterion.dead} ${criterion.deadBelow}`,
    onnxruntime: runtime.onnxruntime,
    warnings: report.warnings.length,
    gate: report.gate ? { status: report.gate.status, rules: ruleStatus(report.gate.rules) } : null,
    sites: report.sites.map((site) => siteExtract(site, before.get(site.id) ?? null)),
    graph: (report.graph ?? []).map(
      ({ nodes: _, neighbourPairs: _pairs, features: _features, ...rest }) => rest,
    ),
  };
}

/** Names the content of a model's files: by hashes where they were made, else by the graph and the sizes. */
function contentOf({ graphSha256, files }: AuditReport['model']): string {
  const parts = files.map(({ sha256, bytes }) => sha256 ?? bytes);
  return createHash('sha256')
    .update([graphSha256, ...parts].join(' '))
    .digest('hex')
    .slice(0, 16);
}

/**
 * A model's last report on some data. Newly dead and revived neurons are counted from the report on the same
 * data, so that like is compared with like.
 */
export interface LastReport {
  /** As `dataName` names it. */
  data: string;
  path: string;
}

/** Names the data of a report: data set, variant and split. */
export function dataName({ data: { name, variant, split } }: AuditReport): string {
  return [name, variant, split].filter(Boolean).join(' ');
}

function siteExtract(site: SiteReport, before: SiteReport | null): SiteExtract {
  const { id, stack, layer, part, neurons, dead, deadRatio, flags } = site;
  const counters = siteCounters(site);
  const known = frequencies(counters).filter((frequency) => !Number.isNaN(frequency));
  const isComparable = before?.neurons === neurons;
  const deadBefore = new Set(before?.deadNeurons);
  const deadNow = new Set(site.deadNeurons);
  return {
    id,
    stack,
    layer,
    site: site.site,
    part,
    neurons,
    dead,
    deadNeurons: site.deadNeurons.slice(0, LISTED_NEURONS),
    deadRatio,
    flags,
    newlyDead: isComparable ? countMissing(deadNow, deadBefore) : null,
    revived: isComparable ? countMissing(deadBefore, deadNow) : null,
    nonFiniteValues: counters.nonFinite.reduce((sum, n) => sum + n, 0),
    frequency: {
      counts: bucketed(known, FREQUENCY_BOUNDS),
      sum: known.reduce((sum, frequency) => sum + frequency, 0),
    },
    values: counters.histogram && { counts: valueBuckets(counters.histogram) },
  };
}

/** Counts the neurons of one set that the other lacks. */
function countMissing(neurons: Set<number>, others: Set<number>): number {
  return [...neurons].filter((index) => !others.has(index)).length;
}

/** Counts the values in each bucket (previous bound, bound]; the last bucket has no upper bound. */
export function bucketed(values: Iterable<number>, bounds: readonly number[]): number[] {
  const counts: number[] = new Array(bounds.length + 1).fill(0);
  for (const value of values) counts[bucketOf(value, bounds)]!++;
  return counts;
}

/** Puts the report's 256 bins into the fixed buckets, each bin by its centre (k − zeroPoint) · scale. */
export function valueBuckets({ scale, zeroPoint, counts }: ValueHistogram): number[] {
  const buckets: number[] = new Array(VALUE_BOUNDS.length + 1).fill(0);
  for (const [k, count] of counts.entries())
    buckets[bucketOf((k - zeroPoint) * scale, VALUE_BOUNDS)]! += count;
  return buckets;
}

function bucketOf(value: number, bounds: readonly number[]): number {
  const index = bounds.findIndex((bound) => value <= bound);
  return index < 0 ? bounds.length : index;
}

/**
 * Makes one entry per rule, which passed if it passed at every site. A rule of a baseline has the site in its
 * text; `*` stands for it here.
 */
function ruleStatus(rules: NonNullable<AuditReport['gate']>['rules']): RuleExtract[] {
  const byRule = new Map<string, RuleExtract>();
  for (const { rule: text, site, value, status } of rules) {
    const isBaseline = site !== null && text.startsWith(`${site}.dead_ratio - `);
    const rule = isBaseline ? `*${text.slice(site.length)}` : text;
    const passed = status === 'passed';
    const before = byRule.get(rule);
    if (!before || (before.passed && !passed)) byRule.set(rule, { rule, passed, site, value });
  }
  return [...byRule.values()];
}
