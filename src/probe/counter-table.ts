import { intAttribute } from '../graph/attributes.js';
import type { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import { DataType } from '../onnx/data-types.js';
import { activationRange } from '../patterns/known-activations.js';
import type { Site } from '../sites/types.js';
import type { Criterion } from '../stats/types.js';

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

/** The values [positions, neurons] of a site that a counter table reduces. */
export interface CountedValues {
  /** True for a value that counts: bool, broadcasts to [positions, neurons]; `null` if all values count. */
  counts: Value | null;
  /** True for a value of a counted position that is NaN or infinite; `null` if none is looked for. */
  nonFinite: Value | null;
  /** Returns the values, with a number in place of those that do not count. */
  filled(otherwise: number): Value;
}

/** The output of a bounded function, such as Tanh or Sigmoid, is saturated this near to its limits. */
const SATURATION_MARGIN = 0.001;

/** Adds the nodes that compute the counters of one site, float32 [names.length, neurons]. */
export function counterTable(
  b: Builder,
  counted: CountedValues,
  { firing, threshold }: Pick<Criterion, 'firing' | 'threshold'>,
  tensor: { site: Site['site'] | null; activation: string | null },
): { table: Value; names: CounterName[] } {
  const values = counted.filled(0);
  const magnitude = b.op('Abs', [values]);
  const count = (condition: Value): Value => b.reduce('ReduceSum', b.cast(condition, DataType.FLOAT), [0]);
  const above = (value: Value, limit: number): Value => count(b.op('Greater', [value, b.float(limit)]));
  const positive = above(values, 0);
  const firesIfPositive = threshold === 0 && firing === 'positive';
  const rows: [CounterName, Value][] = [
    ['sum', b.reduce('ReduceSum', values, [0])],
    ['sumAbs', b.reduce('ReduceSum', magnitude, [0])],
    ['sumSquares', b.reduce('ReduceSum', b.op('Mul', [values, values]), [0])],
    ['fired', firesIfPositive ? positive : above(firing === 'abs' ? magnitude : values, threshold)],
    ['positive', positive],
    ['min', b.reduce('ReduceMin', counted.filled(Infinity), [0])],
    ['max', b.reduce('ReduceMax', counted.filled(-Infinity), [0])],
  ];
  const saturated = saturation(b, tensor, values, counted.counts);
  if (saturated) rows.push(['saturated', count(saturated)]);
  if (counted.nonFinite) rows.push(['nonFinite', count(counted.nonFinite)]);
  const columns = rows.map(([, value]) => value);
  return {
    table: b.op('Concat', columns, { axis: intAttribute(0) }),
    names: rows.map(([name]) => name),
  };
}

/**
 * True where a bounded function is near its limits, bool [positions, neurons]; `null` for other activations.
 */
function saturation(
  b: Builder,
  { site, activation }: { site: Site['site'] | null; activation: string | null },
  values: Value,
  counts: Value | null,
): Value | null {
  const range = activation === null ? null : activationRange(activation);
  if (!range || (site !== 'mlp_post' && site !== 'output')) return null;
  const low = b.op('Less', [values, b.float(range[0] + SATURATION_MARGIN)]);
  const either = b.op('Or', [low, b.op('Greater', [values, b.float(range[1] - SATURATION_MARGIN)])]);
  // A value that does not count was filled with 0, which is Sigmoid's lower limit.
  return counts ? b.op('And', [either, counts]) : either;
}
