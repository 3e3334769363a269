import type { Site } from '../sites/types.js';
import { capacity } from '../stats/capacity.js';
import { neuronsOf } from '../stats/counters.js';
import { deadNeurons } from '../stats/criteria.js';
import { frequencies, frequencyDistribution, resolution } from '../stats/distribution.js';
import { encodeCounters } from '../stats/encoding.js';
import { countFlags } from '../stats/flags.js';
import type { Counters, Criterion } from '../stats/types.js';
import { openHistogram } from '../stats/value-histogram.js';
import { valueSummary } from '../stats/value-summary.js';
import { type AuditReport, type LayerReport, SCHEMA_VERSION, type SiteReport } from './schema.js';
import { summarize } from './summary.js';
import { derivedWarnings } from './warnings.js';

/** Facts of a site besides its counters. */
export type SiteMeta = Pick<
  SiteReport,
  'id' | 'stack' | 'layer' | 'site' | 'part' | 'tensor' | 'activation' | 'weights'
>;

/** Describes a site of the graph as a report does: values by name. */
export function siteMeta(site: Site): SiteMeta {
  const { id, stack, layer, part, activation } = site;
  const weights = site.weights.map(({ role, initializer, scope, axis, first, bias, fanIn, fanOut }) => ({
    role,
    initializer,
    scope,
    axis,
    ...(first > 0 && { first }),
    bias: bias?.name ?? null,
    fanIn,
    fanOut,
  }));
  return { id, stack, layer, site: site.site, part, tensor: site.value.name, activation, weights };
}

/** Builds the report of one site; `counters` are copied. O(neurons · log neurons). */
export function siteReport(
  meta: SiteMeta,
  counters: Counters,
  criterion: Pick<Criterion, 'dead' | 'deadBelow'>,
): SiteReport {
  const { id, stack, layer, site, part, tensor, activation, weights } = meta;
  const neurons = neuronsOf(counters);
  const dead = deadNeurons(counters, criterion);
  const { histogram } = counters;
  return {
    id,
    stack,
    layer,
    site,
    part,
    tensor,
    activation,
    neurons,
    positions: counters.positions,
    dead: dead.length,
    deadRatio: neurons > 0 && counters.positions > 0 ? dead.length / neurons : null,
    deadNeurons: dead,
    flags: countFlags(counters),
    frequency: frequencyDistribution(frequencies(counters)),
    values: {
      ...valueSummary(counters),
      histogram: histogram && openHistogram(histogram),
      scale: histogram?.scale ?? null,
      zeroPoint: histogram?.zeroPoint ?? null,
    },
    perNeuron: encodeCounters(counters) as SiteReport['perNeuron'],
    weights,
  };
}

/** Parts of a report that are not derived from others. */
export interface ReportParts
  extends Pick<AuditReport, 'tool' | 'model' | 'data' | 'runtime' | 'sites' | 'warnings'>,
    Partial<Pick<AuditReport, 'createdAt' | 'lineage' | 'graph'>> {
  criterion: Criterion;
  /** True if every position of the data was seen (a full-graph audit): then there is no resolution. */
  census?: boolean;
  /** Parameters that a repair set to zero. */
  pruned?: number;
  /** Shares of data points alive, by layer. */
  aliveShares?: Pick<LayerReport, 'stack' | 'layer' | 'aliveShare'>[];
}

/** Builds an audit report: adds layers, summary, resolution and derived warnings to the sites. */
export function finishReport(parts: ReportParts): AuditReport {
  const { tool, model, data, runtime, sites, lineage, graph } = parts;
  const { firing, threshold, dead, deadBelow } = parts.criterion;
  const criterion = {
    firing,
    threshold,
    dead,
    deadBelow,
    resolution: coarsest(sites, parts.census ?? false),
  };
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'audit',
    tool,
    createdAt: parts.createdAt ?? new Date().toISOString(),
    warnings: [...parts.warnings, ...derivedWarnings({ sites, data, criterion })],
    model,
    ...(lineage && { lineage }),
    data,
    runtime,
    criterion,
    sites,
    layers: layersOf(sites, parts.aliveShares ?? []),
    summary: {
      ...summarize(sites),
      capacity: capacity(model.parameters, capacitySites(sites), parts.pruned ?? 0),
    },
    ...(graph && { graph }),
  };
}

/** Resolution at the site that saw the fewest positions (but some); `null` for a census. */
function coarsest(sites: SiteReport[], census: boolean): number | null {
  const seen = sites.map((site) => site.positions).filter((positions) => positions > 0);
  return census || seen.length === 0 ? null : resolution(Math.min(...seen));
}

/** The layers in order of appearance, with the dead ratio of their mlp_post neurons. */
function layersOf(sites: SiteReport[], aliveShares: NonNullable<ReportParts['aliveShares']>): LayerReport[] {
  const layers = new Map<string, SiteReport[]>();
  for (const site of sites) {
    const key = JSON.stringify([site.stack, site.layer]);
    layers.set(key, [...(layers.get(key) ?? []), site]);
  }
  return [...layers.values()].map((members) => {
    const { stack, layer } = members[0]!;
    const alive = aliveShares.find((share) => share.stack === stack && share.layer === layer)?.aliveShare;
    return {
      stack,
      layer,
      deadRatio: summarize(members).deadRatio,
      ...(alive !== undefined && { aliveShare: alive }),
    };
  });
}

/** mlp_post sites; where one does not list what feeds its neurons, the mlp_pre beside it does. */
function capacitySites(sites: SiteReport[]): SiteReport[] {
  return sites
    .filter(({ site }) => site === 'mlp_post')
    .map((post) => {
      if (post.weights.some(({ role }) => role !== 'out')) return post;
      const pre = sites.find(
        ({ site, stack, layer, part }) =>
          site === 'mlp_pre' && stack === post.stack && layer === post.layer && part === post.part,
      );
      const incoming = pre?.weights.filter(({ role }) => role !== 'out') ?? [];
      return { ...post, weights: [...incoming, ...post.weights] };
    });
}
