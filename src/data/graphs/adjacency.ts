import type { NdArray } from '../../onnx/array.js';
import { numbersOf } from '../arrays/convert.js';

/**
 * The dense normalised adjacency of a graph convolution, D^-1/2 (A + I) D^-1/2 (Kipf and Welling 2017, equation 2).
 * Repeated edges count once; a self loop is there once whether listed or not.
 *
 * @param edgeIndex Integers [2, edges]: from, to. Both directions are listed for an undirected graph.
 * @returns float32 [nodes, nodes], row = to, column = from.
 */
export function normalisedAdjacency(edgeIndex: NdArray, nodes: number): NdArray {
  const ends = numbersOf(edgeIndex);
  const edges = edgeIndex.dims[1]!;
  const matrix = new Float32Array(nodes * nodes);
  for (let node = 0; node < nodes; node++) matrix[node * nodes + node] = 1;
  for (let edge = 0; edge < edges; edge++) matrix[ends[edges + edge]! * nodes + ends[edge]!] = 1;
  const scale = new Float64Array(nodes);
  for (let row = 0; row < nodes; row++) {
    let degree = 0;
    for (let column = 0; column < nodes; column++) degree += matrix[row * nodes + column]!;
    scale[row] = 1 / Math.sqrt(degree);
  }
  for (let row = 0; row < nodes; row++) {
    for (let column = 0; column < nodes; column++) {
      matrix[row * nodes + column]! *= scale[row]! * scale[column]!;
    }
  }
  return { type: 'float32', dims: [nodes, nodes], data: matrix };
}
