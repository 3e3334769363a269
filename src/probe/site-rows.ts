import { intsAttribute } from '../graph/attributes.js';
import type { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import { rowsOf } from '../graph/spelling.js';
import { DataType } from '../onnx/data-types.js';

/** A tensor, and which of its axes the neurons are. */
export interface NeuronTensor {
  value: Value;
  /** A bias [neurons] that belongs to the value and is not yet added to it. */
  plus: Value | null;
  /** −1, or 1 for a convolution: [batch, neurons, …pixels]. */
  axis: number;
  neurons: number | null;
}

/** Adds the nodes that bring a tensor into the form of every probe: float32 [positions, neurons]. */
export function siteRows(b: Builder, { value, plus, axis, neurons }: NeuronTensor): Value {
  const sum = plus ? b.op('Add', [value, plus]) : value;
  const rows = rowsOf(b, axis === 1 ? channelsLast(b, sum, value.rank) : sum, neurons);
  // Float16 is widened before anything is computed: its squares overflow above 255.
  return value.type?.elemType === DataType.FLOAT ? rows : b.cast(rows, DataType.FLOAT);
}

/**
 * [batch, channels, …pixels] as [batch, …pixels, channels]. Where the rank is not known, the pixels become
 * one axis.
 */
function channelsLast(b: Builder, value: Value, rank: number | null): Value {
  const images = rank === null ? b.op('Reshape', [value, b.ints([0, 0, -1])]) : value;
  const pixelAxes = Array.from({ length: (rank ?? 3) - 2 }, (_, i) => i + 2);
  return b.op('Transpose', [images], { perm: intsAttribute([0, ...pixelAxes, 1]) });
}
