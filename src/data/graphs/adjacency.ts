import type { NdArray } from '../../onnx/array.js';

/** Steps that a model expects of the structure it is fed, because it does not do them itself. */
export interface GraphNeeds {
  /** Every node is its own neighbour, too. */
  selfLoops: boolean;
  /** D^-1/2 A D^-1/2, D being the diagonal of the row sums of A (self loops included where there are any). */
  normalised: boolean;
}

/** Steps for a graph convolution that does none itself: Kipf and Welling 2017, equation 2. */
export const EVERYTHING: GraphNeeds = { selfLoops: true, normalised: true };

/**
 * Returns the dense adjacency, by default D^-1/2 (A + I) D^-1/2. Repeated edges count once; a listed self
 * loop stays.
 *
 * @param ends Node numbers [2, edges]: from, to. Both directions are listed for an undirected graph.
 * @returns float32 [nodes, nodes], row = to, column = from.
 */
export function denseAdjacency(ends: Int32Array, nodes: number, needs: GraphNeeds = EVERYTHING): NdArray {
  const edges = ends.length / 2;
  const matrix = new Float32Array(nodes * nodes);
  if (needs.selfLoops) for (let node = 0; node < nodes; node++) matrix[node * nodes + node] = 1;
  for (let edge = 0; edge < edges; edge++) matrix[ends[edges + edge]! * nodes + ends[edge]!] = 1;
  if (needs.normalised) {
    const scale = new Float64Array(nodes);
    for (let row = 0; row < nodes; row++) {
      let degree = 0;
      for (let column = 0; column < nodes; column++) degree += matrix[row * nodes + column]!;
      scale[row] = degree > 0 ? 1 / Math.sqrt(degree) : 0;
    }
    for (let row = 0; row < nodes; row++) {
      for (let column = 0; column < nodes; column++) {
        matrix[row * nodes + column]! *= scale[row]! * scale[column]!;
      }
    }
  }
  return { type: 'float32', dims: [nodes, nodes], data: matrix };
}

/**
 * Returns the edge list and a weight for each edge, for a model that takes both. Weights are 1, or normalised
 * as {@link denseAdjacency} does; listed self loops are left out where every node gets one. O(nodes + edges).
 *
 * @returns `edges` int64 [2, edges] and `weights` float32 [edges].
 */
export function weightedEdges(
  ends: Int32Array,
  nodes: number,
  needs: GraphNeeds,
): { edges: NdArray; weights: NdArray } {
  const listed = ends.length / 2;
  const [from, to]: [number[], number[]] = [[], []];
  for (let edge = 0; edge < listed; edge++) {
    if (needs.selfLoops && ends[edge] === ends[listed + edge]) continue;
    from.push(ends[edge]!);
    to.push(ends[listed + edge]!);
  }
  for (let node = 0; needs.selfLoops && node < nodes; node++) {
    from.push(node);
    to.push(node);
  }
  const degree = new Float64Array(nodes);
  for (const node of to) degree[node]!++;
  const scale = degree.map((count) => (count > 0 ? 1 / Math.sqrt(count) : 0));
  const weights = Float32Array.from(to, (node, edge) =>
    needs.normalised ? scale[node]! * scale[from[edge]!]! : 1,
  );
  return {
    edges: { type: 'int64', dims: [2, to.length], data: BigInt64Array.from([...from, ...to], BigInt) },
    weights: { type: 'float32', dims: [to.length], data: weights },
  };
}
