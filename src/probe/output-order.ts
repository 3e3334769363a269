import type { Graph, Node } from '../graph/graph.js';
import { producersOf, topologicalOrder } from '../graph/traversal.js';

/**
 * Orders the nodes that compute a graph's outputs so that ONNX Runtime runs the probe of a layer right after
 * the layer. Then a site's tensor is freed early; else the tensors of all sites exist at once, many times the
 * memory of a forward pass.
 *
 * ONNX Runtime visits the nodes whose results no other node reads from the last one in the file to the first,
 * and runs before each what it depends on. So the last one must be that of the earliest layer.
 *
 * @param trunk The model's own nodes, in contrast to those of probes.
 */
export function orderOutputs(graph: Graph, trunk: ReadonlySet<Node>): void {
  const depths = new Map<Node, number>();
  for (const [position, node] of topologicalOrder(graph).entries()) {
    const before = producersOf(node).map((producer) => depths.get(producer) ?? 0);
    depths.set(node, trunk.has(node) ? position : Math.max(0, ...before));
  }
  const isLeaf = (node: Node): boolean => node.outputs.every((output) => (output?.uses.length ?? 0) === 0);
  const leaves = [...graph.nodes].filter((node) => !trunk.has(node) && isLeaf(node));
  // The sort is stable: of one layer the nodes keep their order.
  leaves.sort((a, b) => depths.get(b)! - depths.get(a)!);
  for (const leaf of leaves) {
    graph.nodes.delete(leaf);
    graph.nodes.add(leaf);
  }
}
