import { intAttribute, intsAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { DataType } from '../onnx/data-types.js';
import { embeddingsOf } from '../sites/embeddings.js';
import type { Site } from '../sites/types.js';
import type { Criterion } from '../stats/types.js';
import { addSmoothing, type SmoothingOptions, type SmoothingProbes } from './smoothing.js';

export interface ProbeOptions {
  criterion: Pick<Criterion, 'firing' | 'threshold'>;
  /** Some positions do not count: the overlay gets an input that says which do. */
  masked: boolean;
  /** Count values that are NaN or infinite and reduce the others: for a batch in which some are. */
  countNonFinite: boolean;
  /** Keep the model's own outputs (`--check-outputs`). */
  keepOutputs?: boolean;
  /** The positions are nodes of a graph: sum what over-smoothing measures need, too. */
  smoothing?: SmoothingOptions | undefined;
}

/** Where one site's numbers come out of the overlay. */
export interface SiteProbe {
  site: Site;
  /** Output [counterNames.length, neurons], float32: one row per counter, in the order of `counterNames`. */
  counters: string;
  counterNames: CounterName[];
  /** Output, uint8: every value in its histogram bin; masked positions are in the bin of zero. */
  bins: string;
  /** Inputs of the histogram: float32 scale [] and uint8 zero point []. */
  scale: string;
  zeroPoint: string;
}

export type CounterName =
  | 'sum'
  | 'sumAbs'
  | 'sumSquares'
  | 'fired'
  | 'positive'
  | 'saturated'
  | 'nonFinite'
  | 'min'
  | 'max';

export interface Probes {
  sites: SiteProbe[];
  /** Input [positions], bool: whether a position counts; `null` when all do. */
  mask: string | null;
  smoothing: SmoothingProbes | null;
}

/** A Tanh or Sigmoid output this near to its limits is saturated. */
export const SATURATION_MARGIN = 0.001;

/** Name of the size that a mask and all that it masks have. */
const MASKED = 'audit_positions';

const LARGEST_FLOAT32 = 3.4028234663852886e38;

/**
 * Appends reduction nodes at every site, so that a tensor [positions, neurons] leaves the graph as a few [neurons] vectors.
 * Masking is Where and never Mul, since NaN · 0 is NaN; sums are filled with 0, min and max with ±Inf (DESIGN section 2).
 */
export function addProbes(model: Model, sites: Site[], options: ProbeOptions): Probes {
  const { graph } = model;
  const embeddings = options.smoothing ? embeddingsOf(graph, options.smoothing.sites ?? sites, sites) : [];
  if (!options.keepOutputs) graph.setOutputs([]);
  const mask = options.masked
    ? graph.addInput('audit.mask', { elemType: DataType.BOOL, shape: [MASKED] })
    : null;
  const opset = model.opsets.get('') ?? 1;
  const rows = new Map<unknown, Value>();
  const probes = sites.map((site) => {
    const b = new Builder(graph, opset, `audit/${site.id}/`);
    rows.set(site, flatten(b, site, mask ? MASKED : `${b.prefix}positions`));
    return probeSite(b, site, rows.get(site)!, options, mask);
  });
  const read = embeddings.map((site) => ({
    site,
    rows: rows.get(site) ?? flatten(new Builder(graph, opset, `audit/${site.id}/`), site, null),
  }));
  const smoothing = options.smoothing ? addSmoothing(graph, opset, read, options.smoothing) : null;
  return { sites: probes, mask: mask?.name ?? null, smoothing };
}

function probeSite(b: Builder, site: Site, all: Value, options: ProbeOptions, mask: Value | null): SiteProbe {
  const counts = countingPositions(b, all, mask, options.countNonFinite);
  const zeroFilled = counts ? b.op('Where', [counts.where, all, b.float(0)]) : all;
  const filled = (limit: number): Value =>
    counts ? b.op('Where', [counts.where, all, b.float(limit)]) : all;
  const magnitude = b.op('Abs', [zeroFilled]);
  const { firing, threshold } = options.criterion;
  const count = (condition: Value): Value => b.reduce('ReduceSum', b.cast(condition, DataType.FLOAT), [0]);
  const above = (value: Value, limit: number): Value => count(b.op('Greater', [value, b.float(limit)]));
  const positive = above(zeroFilled, 0);
  const rows: [CounterName, Value][] = [
    ['sum', b.reduce('ReduceSum', zeroFilled, [0])],
    ['sumAbs', b.reduce('ReduceSum', magnitude, [0])],
    ['sumSquares', b.reduce('ReduceSum', b.op('Mul', [zeroFilled, zeroFilled]), [0])],
    [
      'fired',
      threshold === 0 && firing === 'positive'
        ? positive
        : above(firing === 'abs' ? magnitude : zeroFilled, threshold),
    ],
    ['positive', positive],
    ['min', b.reduce('ReduceMin', filled(Infinity), [0])],
    ['max', b.reduce('ReduceMax', filled(-Infinity), [0])],
  ];
  const saturated = saturation(b, site, zeroFilled, counts?.where ?? null);
  if (saturated) rows.push(['saturated', count(saturated)]);
  if (counts?.broken) rows.push(['nonFinite', count(counts.broken)]);
  const table = b.op(
    'Concat',
    rows.map(([, value]) => value),
    { axis: intAttribute(0) },
  );
  const bins = histogram(b, zeroFilled);
  b.graph.addOutput(table);
  b.graph.addOutput(bins.output);
  return {
    site,
    counters: table.name,
    counterNames: rows.map(([name]) => name),
    bins: bins.output.name,
    scale: bins.scale.name,
    zeroPoint: bins.zeroPoint.name,
  };
}

/**
 * The site's values as float32 [positions, neurons]; float16 is widened first, since its squares overflow. The name of the
 * number of positions lets ONNX Runtime see that all that is computed from it has one size, and use buffers again; of buffers
 * that it cannot compare it keeps a list, through which it searches for every node when it loads a deep model.
 */
function flatten(
  b: Builder,
  { value, plus, axis, neurons }: Pick<Site, 'value' | 'plus' | 'axis' | 'neurons'>,
  positions: string | null,
): Value {
  let at = plus ? b.op('Add', [value, plus]) : value;
  if (axis === 1) {
    const rank = value.rank ?? 4;
    const perm = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
    at = b.op('Transpose', [at], { perm: intsAttribute(perm) });
  }
  const flat = b.op('Flatten', [at], { axis: intAttribute(-1) });
  const rows = value.type?.elemType === DataType.FLOAT ? flat : b.cast(flat, DataType.FLOAT);
  rows.type = { elemType: DataType.FLOAT, shape: [positions, neurons] };
  return rows;
}

/** What counts: [positions, 1] from the mask, [positions, neurons] where finiteness is asked too; `null` when all do. */
function countingPositions(
  b: Builder,
  values: Value,
  mask: Value | null,
  countNonFinite: boolean,
): { where: Value; broken: Value | null } | null {
  const rows = mask && b.unsqueeze(mask, 1);
  if (!countNonFinite) return rows && { where: rows, broken: null };
  const finite = b.op('Not', [b.op('Greater', [b.op('Abs', [values]), b.float(LARGEST_FLOAT32)])]);
  const number = b.op('And', [finite, b.op('Not', [b.op('IsNaN', [values])])]);
  const broken = b.op('Not', [number]);
  return rows
    ? { where: b.op('And', [number, rows]), broken: b.op('And', [broken, rows]) }
    : { where: number, broken };
}

/** Where a Tanh or Sigmoid is near its limits; a masked position, filled with 0, is not near Sigmoid's lower limit. */
function saturation(
  b: Builder,
  { site, activation }: Site,
  values: Value,
  counts: Value | null,
): Value | null {
  if (site !== 'mlp_post' || (activation !== 'tanh' && activation !== 'sigmoid')) return null;
  if (activation === 'tanh') return b.op('Greater', [b.op('Abs', [values]), b.float(1 - SATURATION_MARGIN)]);
  const low = b.op('Less', [values, b.float(SATURATION_MARGIN)]);
  const either = b.op('Or', [low, b.op('Greater', [values, b.float(1 - SATURATION_MARGIN)])]);
  return counts ? b.op('And', [either, counts]) : either;
}

/** uint8(round(x / scale) + zero point), saturating: 256 equal bins whose range is fed when the graph runs. */
function histogram(b: Builder, values: Value): { output: Value; scale: Value; zeroPoint: Value } {
  const scale = b.graph.addInput(`${b.prefix}scale`, { elemType: DataType.FLOAT, shape: [] });
  const zeroPoint = b.graph.addInput(`${b.prefix}zero_point`, { elemType: DataType.UINT8, shape: [] });
  return { output: b.op('QuantizeLinear', [values, scale, zeroPoint]), scale, zeroPoint };
}
