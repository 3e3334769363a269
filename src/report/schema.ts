import { z } from 'zod';

/** Version of all report kinds; raised when a reader of the old one would misread the new one. */
export const SCHEMA_VERSION = 1;

export const count = z.int().nonnegative();
/** A number; `null` if it is not finite, or if there is nothing to compute it from. */
export const measured = z.number().nullable();
const share = z.number().min(0).max(1).nullable();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const tool = z.object({ name: z.string(), version: z.string() });

const warningSchema = z.object({
  code: z.string().describe('Stable machine-readable kind, kebab-case'),
  message: z.string(),
  site: z.string().optional().describe('Id of the site it is about'),
});

const model = z.object({
  name: z.string(),
  step: z.number().optional().describe('Training step of a checkpoint'),
  path: z.string(),
  files: z.array(z.object({ name: z.string(), bytes: count, sha256: sha256.nullable() })),
  graphSha256: z.string().describe('SHA-256 of the graph without its weights'),
  opset: z.int().nullable(),
  producer: z.string().nullable(),
  architecture: z.string().nullable(),
  parameters: count,
});

const shardSchema = z.object({ index: count, count: z.int().positive() });

const data = z.object({
  name: z.string(),
  variant: z.string().nullable(),
  split: z.string().nullable(),
  positions: count,
  sequences: count,
  seqLen: count.nullable(),
  batchSize: count.nullable(),
  tokenizer: z.string().nullable(),
  shard: z
    .union([shardSchema, z.array(shardSchema)])
    .nullable()
    .describe(
      'null: the whole data; an object: one shard of it; a list: shards merged, but not yet all of them',
    ),
  complete: z.boolean().describe('false when the run was stopped early: gates are not evaluated'),
});

const runtime = z.object({
  device: z.string(),
  provider: z.string(),
  onnxruntime: z.string(),
  durationSeconds: z.number().nonnegative(),
  positionsPerSecond: measured,
  peakRssBytes: count.nullable(),
});

export const criterionSchema = z.object({
  firing: z.enum(['abs', 'positive']),
  threshold: z.number().nonnegative(),
  dead: z.enum(['frequency', 'silent', 'sum', 'mean-abs', 'dormant']),
  deadBelow: z.number().nullable().describe("The criterion's limit; null where it has none"),
  resolution: measured.describe('3 / positions (rule of three); null for a census'),
});

const histogram = z.object({ edges: z.array(z.number()), counts: z.array(count) });
const openHistogram = z.object({
  edges: z.array(measured).describe('One more than counts; the first and the last are null: open ends'),
  counts: z.array(count),
});

const encoded = (dtype: 'f64' | 'f32') =>
  z.object({ dtype: z.literal(dtype), data: z.base64() }).describe('[neurons], base64, little-endian');

const perNeuron = z.object({
  fired: encoded('f64'),
  positive: encoded('f64'),
  saturated: encoded('f64'),
  nonFinite: encoded('f64'),
  sum: encoded('f64'),
  sumAbs: encoded('f64'),
  sumSquares: encoded('f64'),
  min: encoded('f32'),
  max: encoded('f32'),
});

const weight = z.object({
  role: z.enum(['in', 'gate', 'up', 'out']),
  initializer: z.string(),
  scope: z.string(),
  axis: z.int(),
  first: count
    .optional()
    .describe('Index along axis of the first neuron, where it is not 0 (packed weights)'),
  bias: z.string().nullable(),
  fanIn: count.nullable(),
  fanOut: count.nullable(),
});

export const flagCounts = z.object({
  silent: count,
  neverPositive: count,
  dormant: count,
  constant: count,
  saturated: count,
  nonFinite: count,
});

/** Fields that say where a site is in its model. */
export const place = {
  id: z.string().describe('[stack.]layer.site[.part]'),
  stack: z.string(),
  layer: count,
  site: z.enum(['mlp_pre', 'mlp_post', 'attn_out', 'output']),
  part: z.string(),
};

const siteSchema = z.object({
  ...place,
  tensor: z.string(),
  activation: z.string().nullable(),
  neurons: count,
  positions: count,
  dead: count,
  deadRatio: share.describe('dead / neurons; null when no position was seen'),
  deadNeurons: z.array(count).describe('Indices, increasing'),
  flags: flagCounts.describe('Neurons that carry each flag'),
  frequency: z
    .object({
      min: share,
      p01: share,
      p05: share,
      p50: share,
      p95: share,
      p99: share,
      max: share,
      mean: share,
      histogram,
      log10Histogram: histogram.describe('Of log10(frequency + 1e-10)'),
    })
    .describe('Of the activation frequency over neurons; quantiles are linear between neighbours (type 7)'),
  values: z.object({
    min: measured,
    max: measured,
    mean: measured,
    std: measured.describe('Population standard deviation'),
    histogram: openHistogram.nullable(),
    scale: z.number().positive().nullable(),
    zeroPoint: z.int().min(0).max(255).nullable(),
  }),
  perNeuron,
  weights: z.array(weight),
});

const layer = z.object({
  stack: z.string(),
  layer: count,
  deadRatio: share.describe('Of the mlp_post neurons of the layer'),
  aliveShare: share.optional().describe('Share of data points alive in the layer (rectifier networks)'),
});

const kindSummary = z.object({
  neurons: count,
  dead: count,
  deadRatio: share,
  worst: z.object({ id: z.string(), deadRatio: share }),
});

const summary = z.object({
  deadRatio: share.describe('Of the mlp_post neurons of the model'),
  bySite: z.partialRecord(place.site, kindSummary),
  capacity: z
    .object({ parameters: count, active: count.nullable(), pruned: count, ratio: share })
    .describe('active: parameters neither attached to a dead neuron nor pruned; null when not known'),
});

const gateSchema = z.object({
  status: z.enum(['passed', 'failed']),
  rules: z.array(
    z.object({
      rule: z.string(),
      value: measured.describe('null when there was nothing to compute it from: then the rule fails'),
      limit: measured,
      status: z.enum(['passed', 'failed']),
      site: z.string().nullable().describe('Id of the site, or the name of a site over the whole model'),
    }),
  ),
});

/** Over-smoothing of one layer's embedding; see docs/graphs.md for the definitions. */
const graphSchema = z.object({
  ...place,
  site: z.enum(['mlp_post', 'attn_out', 'output']).describe('output: of a last layer that has no site'),
  nodes: count,
  neighbourPairs: count.describe('Ordered pairs: an undirected edge is two; no self loops'),
  features: count,
  dirichletEnergy: measured.describe('sqrt(1/N sum_i sum_{j in N_i} |x_i - x_j|^2)'),
  distanceToMean: measured.describe('Frobenius norm of X less its mean row'),
  degreeNormalisedDirichletEnergy: measured.describe(
    '1/2 sum_i sum_{j in N_i} |x_i / sqrt(1 + d_i) - x_j / sqrt(1 + d_j)|^2',
  ),
  meanAverageDistance: measured.describe('1/N sum_i sum_{j in N_i} (1 - cos(x_i, x_j))'),
  effectiveRank: measured.describe('exp of the entropy of the singular values of X'),
  zeroShare: share.describe('Share of the entries of X that are exactly zero'),
});

/** Fields that every kind of report begins with. */
export const head = {
  schemaVersion: z.literal(SCHEMA_VERSION),
  tool,
  createdAt: z.iso.datetime({ offset: true }),
  warnings: z.array(warningSchema),
};

export const auditReportSchema = z
  .object({
    ...head,
    kind: z.literal('audit'),
    model,
    lineage: z
      .object({ parent: sha256, command: z.string() })
      .optional()
      .describe('What was repaired, and how'),
    data,
    runtime,
    criterion: criterionSchema,
    sites: z.array(siteSchema),
    layers: z.array(layer),
    summary,
    graph: z.array(graphSchema).optional().describe('Over-smoothing, layer by layer; graphs only'),
    gate: gateSchema.optional(),
  })
  .meta({ title: 'Audit report of activation-auditor' });

/** Parts that reports of other kinds have too. */
export { data as dataSchema, model as modelSchema, runtime as runtimeSchema };

export type AuditReport = z.infer<typeof auditReportSchema>;
export type SiteReport = z.infer<typeof siteSchema>;

export type GraphReport = z.infer<typeof graphSchema>;
export type LayerReport = AuditReport['layers'][number];
export type Gate = z.infer<typeof gateSchema>;
export type GateRule = Gate['rules'][number];
export type Warning = z.infer<typeof warningSchema>;
export type Shard = z.infer<typeof shardSchema>;
export type SiteKind = SiteReport['site'];
