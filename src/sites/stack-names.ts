import type { Graph, Node, Value } from '../graph/graph.js';
import { reachableBackward, topologicalOrder } from '../graph/traversal.js';
import { isFloat } from '../onnx/data-types.js';
import type { Unit } from './unit.js';

/**
 * Names stacks: `encoder` and `decoder` if one of two reads the other's result; else by the input that a
 * stack reads, `text`, `vision` or `audio`.
 */
export function stackNames(graph: Graph, stacks: readonly Unit[][]): string[] {
  if (stacks.length === 2) {
    const [first, second] = stacks as [Unit[], Unit[]];
    if (dependsOn(second, first)) return ['encoder', 'decoder'];
    if (dependsOn(first, second)) return ['decoder', 'encoder'];
  }
  const kinds = inputKinds(graph);
  const taken = new Map<string, number>();
  return stacks.map((units) => {
    const sums = units.flatMap(({ residual }) => residual?.sum.producer ?? []);
    const inputs = sums.flatMap((node) => kinds.get(node) ?? []);
    const name = inputs.length > 0 ? kindOfInput(graph.inputs[Math.min(...inputs)]!)! : 'stack';
    const count = taken.get(name) ?? 0;
    taken.set(name, count + 1);
    return count === 0 ? name : `${name}${count}`;
  });
}

function dependsOn(reader: readonly Unit[], read: readonly Unit[]): boolean {
  const reached = reachableBackward(reader.flatMap(({ residual }) => (residual ? [residual.sum] : [])));
  return read.some(({ residual }) => residual && reached.has(residual.node));
}

/**
 * For each node the first input of a known kind that is upstream of it, by index. One pass over the graph.
 */
function inputKinds(graph: Graph): Map<Node, number> {
  const first = new Map<Value, number>();
  for (const [i, input] of graph.inputs.entries()) if (kindOfInput(input)) first.set(input, i);
  const found = new Map<Node, number>();
  for (const node of topologicalOrder(graph)) {
    const indices = node.inputs.flatMap((input) => (input ? (first.get(input) ?? []) : []));
    if (indices.length === 0) continue;
    found.set(node, Math.min(...indices));
    for (const output of node.outputs) if (output) first.set(output, found.get(node)!);
  }
  return found;
}

function kindOfInput({ name, type }: Value): string | null {
  if (/input_ids$/.test(name)) return 'text';
  if (!type || !isFloat(type.elemType)) return null;
  if (type.shape?.length === 4) return 'vision';
  return /features|audio|speech/.test(name) ? 'audio' : null;
}
