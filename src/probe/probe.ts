import { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { quantize, where } from '../graph/spelling.js';
import { DataType } from '../onnx/data-types.js';
import { type Embedding, embeddingsOf } from '../sites/embeddings.js';
import type { Site } from '../sites/types.js';
import type { Criterion } from '../stats/types.js';
import { type CountedValues, type CounterName, counterTable } from './counter-table.js';
import { positionMask, rowMask } from './row-mask.js';
import { siteRows } from './site-rows.js';
import { addSmoothing, type SmoothingOptions, type SmoothingProbes } from './smoothing.js';

export interface ProbeOptions {
  criterion: Pick<Criterion, 'firing' | 'threshold'>;
  /** Some positions do not count: the overlay gets an input that says which do. */
  masked: boolean;
  /**
   * Counts NaN and ±Inf, and reduces the other values. Needed for a batch that holds such values; costs time.
   */
  countNonFinite: boolean;
  /** Keeps the model's own outputs (`--check-outputs`). */
  keepOutputs?: boolean;
  /** The positions are nodes of a graph: the overlay also sums what over-smoothing measures need. */
  smoothing?: SmoothingOptions | undefined;
  /** Tensors that are counted beside the sites. */
  watched?: readonly Pick<Site, 'value' | 'axis'>[];
}

/** A counted tensor: a site, or a watched tensor, which is no site. */
type CountedTensor = Pick<Site, 'id' | 'value' | 'plus' | 'axis' | 'neurons' | 'activation'> & {
  site: Site['site'] | null;
};

/** Names of the overlay's inputs and outputs of one counted tensor. */
export interface TensorProbe {
  /** Output [counterNames.length, neurons], float32: one row per counter, in the order of `counterNames`. */
  counters: string;
  counterNames: CounterName[];
  /** Output, uint8: every value in its histogram bin; masked positions are in the bin of zero. */
  bins: string;
  /** Inputs of the histogram: float32 scale [] and uint8 zero point []. */
  scale: string;
  zeroPoint: string;
}

/** Names of the overlay's inputs and outputs of one site. */
interface SiteProbe extends TensorProbe {
  site: Site;
}

export interface Probes {
  sites: SiteProbe[];
  /** In the order of the watched tensors. */
  watched: TensorProbe[];
  /** Input [positions], bool: true where a position counts; `null` if all do. */
  mask: string | null;
  smoothing: SmoothingProbes | null;
}

/**
 * Appends reduction nodes at every site, so that a tensor [positions, neurons] leaves the graph as a few
 * [neurons] vectors. Masking is Where and never Mul, since NaN · 0 is NaN; sums are filled with 0, min and
 * max with ±Inf.
 */
export function addProbes(model: Model, sites: Site[], options: ProbeOptions): Probes {
  const { graph } = model;
  const embeddings = options.smoothing ? embeddingsOf(graph, options.smoothing.sites ?? sites, sites) : [];
  if (!options.keepOutputs) graph.setOutputs([]);
  const mask = options.masked
    ? graph.addInput('audit.mask', { elemType: DataType.BOOL, shape: ['audit_positions'] })
    : null;
  const prepared = mask && positionMask(Builder.of(model, 'audit/mask/'), mask);
  const rowsOf = (site: CountedTensor | Embedding, positions: string | null): Value => {
    const rows = siteRows(Builder.of(model, `audit/${site.id}/`), site);
    // Tensors computed from rows of a named size have the same size by name, and ONNX Runtime reuses their
    // buffers. Without the name it searches a growing list of buffers at every node, and deep models load
    // slowly.
    rows.type = { elemType: DataType.FLOAT, shape: [positions, site.neurons] };
    return rows;
  };
  const rows = new Map<object, Value>();
  const masks = new Map<string, { positions: string; inMask: Value }>();
  const probe = (tensor: CountedTensor): TensorProbe => {
    const b = Builder.of(model, `audit/${tensor.id}/`);
    const known = masks.get(rowsKey(tensor));
    const positions = known?.positions ?? `${b.prefix}positions`;
    const all = rowsOf(tensor, positions);
    rows.set(tensor, all);
    const inMask = known?.inMask ?? (prepared && rowMask(b, prepared, all, positions));
    if (inMask) masks.set(rowsKey(tensor), { positions, inMask });
    return probeTensor(b, tensor, countedValues(b, all, inMask, options.countNonFinite), options);
  };
  const probes = sites.map((site) => ({ site, ...probe(site) }));
  const watched = (options.watched ?? []).map(({ value, axis }, i) =>
    probe({ id: `watched.${i}`, site: null, value, plus: null, axis, neurons: null, activation: null }),
  );
  const read = embeddings.map((site) => ({ site, rows: rows.get(site) ?? rowsOf(site, null) }));
  const smoothing = options.smoothing ? addSmoothing(model, read, options.smoothing) : null;
  return { sites: probes, watched, mask: mask?.name ?? null, smoothing };
}

/**
 * Returns a key that only tensors with the same rows share: they have the same declared sizes, or are input
 * and output of one activation function.
 */
function rowsKey({ id, value, axis }: CountedTensor): string {
  const sizes = value.type?.shape?.toSpliced(axis, 1);
  const isDeclared = sizes?.every((size) => typeof size === 'number' || (size !== null && size !== ''));
  return isDeclared ? JSON.stringify(sizes) : id.replace(/\.mlp_(pre|post)\b/, '.mlp');
}

function probeTensor(
  b: Builder,
  tensor: CountedTensor,
  counted: CountedValues,
  { criterion }: ProbeOptions,
): TensorProbe {
  const { table, names } = counterTable(b, counted, criterion, tensor);
  const scale = b.graph.addInput(`${b.prefix}scale`, { elemType: DataType.FLOAT, shape: [] });
  const zeroPoint = b.graph.addInput(`${b.prefix}zero_point`, { elemType: DataType.UINT8, shape: [] });
  // 256 equal bins, whose range is fed when the graph runs.
  const bins = quantize(b, counted.filled(0), scale, zeroPoint);
  b.graph.addOutput(table);
  b.graph.addOutput(bins);
  return {
    counters: table.name,
    counterNames: names,
    bins: bins.name,
    scale: scale.name,
    zeroPoint: zeroPoint.name,
  };
}

/**
 * The rows of a site, and which of their values count: those of a masked position do not, and none that is
 * not finite.
 */
function countedValues(
  b: Builder,
  rows: Value,
  inMask: Value | null,
  countNonFinite: boolean,
): CountedValues {
  // A comparison with NaN is false, so this is false for NaN and ±Inf alone.
  const finite = countNonFinite ? b.op('Less', [b.op('Abs', [rows]), b.float(Infinity)]) : null;
  const counts = finite && inMask ? b.op('And', [finite, inMask]) : (finite ?? inMask);
  const nonFinite = finite && b.op('Not', [finite]);
  const filled = new Map<number, Value>();
  return {
    counts,
    nonFinite: nonFinite && inMask ? b.op('And', [nonFinite, inMask]) : nonFinite,
    filled(otherwise) {
      if (!counts) return rows;
      const known = filled.get(otherwise) ?? where(b, counts, rows, otherwise);
      filled.set(otherwise, known);
      return known;
    },
  };
}
