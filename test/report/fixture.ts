import { finishReport, type ReportParts, type SiteMeta, siteReport } from '../../src/report/build.js';
import type { AuditReport, SiteKind, SiteReport } from '../../src/report/schema.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import type { Criterion } from '../../src/stats/types.js';
import { histogramRange } from '../../src/stats/value-histogram.js';
import { type Bins, countersOf } from '../stats/counting.js';

const SHA = 'ab'.repeat(32);

/** What a site is, from its id: `[stack.]layer.site[.part]`. */
export function metaOf(id: string, more: Partial<SiteMeta> = {}): SiteMeta {
  const [, stack = '', layer, site, part = ''] =
    /^(?:(\w+)\.)?(\d+)\.(mlp_pre|mlp_post|attn_out)(?:\.(\w+))?$/.exec(id)!;
  const activation = site === 'attn_out' ? null : 'relu';
  const weights: SiteMeta['weights'] = [
    { role: 'in', initializer: `${id}.in`, scope: '', axis: 1, bias: `${id}.b`, fanIn: 8, fanOut: null },
    { role: 'out', initializer: `${id}.out`, scope: '', axis: 0, bias: null, fanIn: null, fanOut: 8 },
  ];
  const base = {
    id,
    stack,
    layer: Number(layer),
    site: site as SiteKind,
    part,
    tensor: `/h.${layer}/${site}`,
  };
  return { ...base, activation, weights, ...more };
}

/** A site's report from rows of values [positions][neurons]. */
export function siteOf(
  id: string,
  rows: number[][],
  { neurons = rows[0]?.length ?? 0, criterion = completeCriterion(), bins = BINS, ...meta }: SiteOptions = {},
): SiteReport {
  return siteReport(metaOf(id, meta), countersOf(rows, neurons, bins), criterion);
}

interface SiteOptions extends Partial<SiteMeta> {
  neurons?: number;
  criterion?: Criterion;
  bins?: Bins | null;
}

const BINS = histogramRange(-4, 4);

/** A whole report around the sites. */
export function reportOf(sites: SiteReport[], more: Partial<ReportParts> = {}): AuditReport {
  const positions = Math.max(0, ...sites.map((site) => site.positions));
  return finishReport({
    tool: { name: 'activation-auditor', version: '0.1.0' },
    createdAt: '2026-01-02T03:04:05.000Z',
    warnings: [],
    model: {
      name: 'gpt2',
      path: 'models/gpt2/model.onnx',
      files: [{ name: 'model.onnx', bytes: 4_500_000, sha256: SHA }],
      graphSha256: SHA,
      opset: 17,
      producer: 'pytorch 2.13.0',
      architecture: 'gpt2',
      parameters: 1_124_352,
    },
    data: {
      name: 'sample',
      variant: null,
      split: null,
      positions,
      sequences: Math.ceil(positions / 128),
      seqLen: 128,
      batchSize: 8,
      tokenizer: 'tokenizer.json',
      shard: null,
      complete: true,
    },
    runtime: {
      device: 'cpu',
      provider: 'CPUExecutionProvider',
      onnxruntime: '1.30.0',
      durationSeconds: 12.5,
      positionsPerSecond: positions / 12.5,
      peakRssBytes: 300_000_000,
    },
    criterion: completeCriterion(),
    sites,
    ...more,
  });
}

/**
 * Rows of a ReLU layer, the same on every machine: `dead` neurons at 0, the others firing ever more often.
 * Shape [positions, neurons].
 */
export function reluRows(positions: number, neurons: number, dead: number): number[][] {
  return Array.from({ length: positions }, (_, p) =>
    Array.from({ length: neurons }, (_, i) => {
      if (i < dead) return 0;
      const phase = ((p * 37 + i * 101) % 97) / 97;
      return Math.max(0, phase * 4 - 3 + (3 * (i - dead)) / neurons);
    }),
  );
}

/** Signed rows around zero, shape [positions, neurons]. */
function signedRows(positions: number, neurons: number): number[][] {
  return Array.from({ length: positions }, (_, p) =>
    Array.from({ length: neurons }, (_, i) => {
      const u = ((p * 53 + i * 29) % 101) / 50.5 - 1;
      return 3 * u * u * u;
    }),
  );
}

/** A small GPT-2 like report: `layers` layers, four of whose 32 mlp_post neurons are dead in layer 1. */
export function smallReport(layers = 2, more: Partial<ReportParts> = {}, positions = 3200): AuditReport {
  const sites = Array.from({ length: layers }, (_, layer) => [
    siteOf(`${layer}.mlp_pre`, signedRows(positions, 32)),
    siteOf(`${layer}.mlp_post`, reluRows(positions, 32, layer === 1 ? 4 : 0)),
    siteOf(`${layer}.attn_out`, signedRows(positions, 8)),
  ]).flat();
  return reportOf(sites, more);
}
