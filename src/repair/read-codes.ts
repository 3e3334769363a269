import { byteLength } from '../onnx/data-types.js';
import { readElements } from '../onnx/tensors.js';
import type { NeuronWeights } from './neuron-weights.js';

/** Neurons whose weights are further apart on disk than this are read separately. */
const GAP_BYTES = 4096;

/**
 * Returns the stored codes of neurons' incoming weights, [fanIn] for each neuron. Little more than these is
 * read from disk.
 *
 * @param neurons Increasing.
 */
export function readCodes(
  { ref, codes, fanIn, innerElements, neurons: allNeurons }: NeuronWeights,
  neurons: readonly number[],
): Float64Array[] {
  const result = neurons.map(() => new Float64Array(fanIn));
  const bytesOfElement = (byteLength(codes.dataType, 8) ?? 8) / 8;
  const gap = GAP_BYTES / (innerElements * bytesOfElement);
  for (let outer = 0; outer * innerElements < fanIn; outer++) {
    const used = Math.min(innerElements, fanIn - outer * innerElements);
    const firstElement = (neuron: number) => (outer * allNeurons + ref.first + neuron) * innerElements;
    for (const [from, to] of groups(neurons, gap)) {
      const start = firstElement(neurons[from]!);
      const read = readElements(codes, { start, end: firstElement(neurons[to - 1]!) + used });
      for (let k = from; k < to; k++) {
        const at = firstElement(neurons[k]!) - start;
        result[k]!.set(read.subarray(at, at + used), outer * innerElements);
      }
    }
  }
  return result;
}

/** Ranges `[from, to)` of an increasing list whose members are at most `gap` apart. */
function* groups(list: readonly number[], gap: number): Generator<[from: number, to: number]> {
  for (let from = 0; from < list.length; ) {
    let to = from + 1;
    while (to < list.length && list[to]! - list[to - 1]! <= gap) to++;
    yield [from, to];
    from = to;
  }
}
