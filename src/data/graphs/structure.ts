import { endianness } from 'node:os';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { numbersOf } from '../arrays/convert.js';
import type { GraphStructure } from '../types.js';

/**
 * Returns the node numbers of an edge list [2, edges] as 32-bit integers: all `from`, then all `to`.
 * O(edges), 8 bytes an edge.
 *
 * @throws UserError naming the first end that is no node.
 */
export function edgeEnds(edgeIndex: NdArray, nodes: number, path: string): Int32Array {
  if (edgeIndex.dims.length !== 2 || edgeIndex.dims[0] !== 2) {
    throw new UserError(
      `The array "edge_index" of ${path} has the shape [${edgeIndex.dims.join(', ')}]: expected [2, edges].`,
      'data-bad-shape',
    );
  }
  const floats = edgeIndex.data instanceof Float32Array || edgeIndex.data instanceof Float64Array;
  const broken = floats ? edgeIndex.data.find((end) => !Number.isInteger(end)) : undefined;
  if (broken !== undefined) {
    throw new UserError(
      `The array "edge_index" of ${path} holds ${broken}: expected numbers of nodes, whole and from 0.`,
      'data-bad-graph',
    );
  }
  const ends = toInt32(edgeIndex);
  const bad = ends.findIndex((end) => end < 0 || end >= nodes);
  if (bad < 0) return ends;
  throw new UserError(
    `An edge of ${path} ends at node ${edgeIndex.data[bad]}, but there are ${nodes} nodes.`,
    'data-bad-graph',
  );
}

/**
 * Reads 64-bit integers by their low halves, 20 times as fast as by BigInt. Numbers that are too large become
 * −1.
 */
function toInt32(array: NdArray): Int32Array {
  const { data } = array;
  if (!(data instanceof BigInt64Array) || endianness() !== 'LE') {
    return Int32Array.from(numbersOf(array), (value) => (value > 0x7fffffff ? -1 : value));
  }
  const halves = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
  const ends = new Int32Array(data.length);
  for (let k = 0; k < ends.length; k++) ends[k] = halves[2 * k + 1] === 0 ? halves[2 * k]! : -1;
  return ends;
}

/**
 * Lists the neighbours: each ordered pair once. A node is no neighbour of itself; d_i counts the edges into
 * i. An edge list without repetitions is used as it is, others are copied without them. O(nodes + edges).
 *
 * @param ends Node numbers [2, edges], in range.
 * @param input The model's input that is fed this very list, if there is one.
 */
export function graphStructure(
  edgeIndex: NdArray,
  ends: Int32Array,
  nodes: number,
  input: string | null,
): GraphStructure {
  const edges = ends.length / 2;
  const { repeated, degrees } = repetitions(ends, edges, nodes);
  const counted: NdArray = { type: 'float32', dims: [nodes], data: degrees };
  if (repeated === null) {
    const data = edgeIndex.type === 'int64' ? edgeIndex.data : BigInt64Array.from(ends, BigInt);
    return { degrees: counted, pairs: { type: 'int64', dims: [2, edges], data }, input };
  }
  const kept = edges - repeated.reduce((sum, one) => sum + one, 0);
  const data = new BigInt64Array(2 * kept);
  for (let edge = 0, at = 0; edge < edges; edge++) {
    if (repeated[edge]) continue;
    data[at] = BigInt(ends[edge]!);
    data[kept + at] = BigInt(ends[edges + edge]!);
    at++;
  }
  return { degrees: counted, pairs: { type: 'int64', dims: [2, kept], data }, input: null };
}

/** Marks every repeated edge (`null` when there is none), and counts the others by the node at their end. */
function repetitions(
  ends: Int32Array,
  edges: number,
  nodes: number,
): { repeated: Uint8Array | null; degrees: Float32Array<ArrayBuffer> } {
  const starts = new Int32Array(nodes + 1);
  for (let edge = 0; edge < edges; edge++) starts[ends[edges + edge]! + 1]!++;
  for (let node = 0; node < nodes; node++) starts[node + 1]! += starts[node]!;
  const byTarget = new Int32Array(edges);
  const next = starts.slice();
  for (let edge = 0; edge < edges; edge++) byTarget[next[ends[edges + edge]!]!++] = edge;
  const lastSeenFrom = new Int32Array(nodes).fill(-1);
  const degrees = new Float32Array(nodes);
  let repeated: Uint8Array | null = null;
  for (let node = 0; node < nodes; node++) {
    for (let k = starts[node]!; k < starts[node + 1]!; k++) {
      const edge = byTarget[k]!;
      const from = ends[edge]!;
      if (lastSeenFrom[from] === node) {
        repeated ??= new Uint8Array(edges);
        repeated[edge] = 1;
        continue;
      }
      lastSeenFrom[from] = node;
      if (from !== node) degrees[node]!++;
    }
  }
  return { repeated, degrees };
}

/**
 * Returns the edge list [2, edges] of a dense adjacency [nodes, nodes] or [1, nodes, nodes]: row = to, column
 * = from.
 */
export function edgesOf(adjacency: NdArray): NdArray {
  const values = numbersOf(adjacency);
  const nodes = adjacency.dims.at(-1)!;
  const listed: number[] = [];
  for (let at = 0; at < nodes * nodes; at++) if (values[at] !== 0) listed.push(at);
  const data = new BigInt64Array(2 * listed.length);
  for (const [edge, at] of listed.entries()) {
    data[edge] = BigInt(at % nodes);
    data[listed.length + edge] = BigInt(Math.floor(at / nodes));
  }
  return { type: 'int64', dims: [2, listed.length], data };
}
