import type { Graph, Node, Value } from '../graph/graph.js';
import { readsOf, topologicalOrder } from '../graph/traversal.js';
import { byteLength } from '../onnx/data-types.js';
import type { Site } from '../sites/types.js';

/**
 * Estimated memory of one run of the audit overlay, without the weights. Both numbers grow with the batch
 * size.
 */
export interface ActivationBytes {
  /** Largest sum of the tensors that exist at once, probes included. */
  liveBytes: number;
  /**
   * Histogram bins, a byte for every value of every site: they exist until the run ends, twice while they are
   * copied.
   */
  binBytes: number;
}

/**
 * Bytes for each value of a site while its probe runs: float32 rows, their magnitude, a comparison and its
 * cast.
 */
const PROBE_BYTES_PER_VALUE = 4 + 4 + 1 + 4;

/** Operators whose result is the same bytes with other axes: ONNX Runtime copies nothing. */
const VIEWS = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity', 'Dropout']);

/**
 * Estimates the memory of a run from the shapes that tensors had in a run of a small batch. For a batch k
 * times as large it is k times as much. ONNX Runtime's allocator keeps up to twice as much, since it reuses
 * no part of a block.
 *
 * @param graph The model without probes.
 * @param shapes Shapes of the computed tensors by name, as `measureShapes` measures them.
 */
export function activationBytes(
  graph: Graph,
  sites: readonly Site[],
  shapes: ReadonlyMap<string, readonly number[]>,
): ActivationBytes {
  const order = topologicalOrder(graph);
  const lastReader = lastReaders(graph, order);
  const freedAfter = new Map<Node, Value[]>();
  for (const [value, node] of lastReader) freedAfter.set(node, [...(freedAfter.get(node) ?? []), value]);
  const sizeOf = (value: Value): number => bytesOf(value, shapes);
  const valuesOf = (value: Value): number => elements(shapes.get(value.name));
  let [now, liveBytes] = [0, 0];
  for (const node of order) {
    const made = VIEWS.has(node.opType) ? [] : node.outputs.filter((output) => output !== null);
    for (const output of made) now += sizeOf(output);
    const probed = sites.filter(({ value }) => value.producer === node);
    const probe = Math.max(0, ...probed.map(({ value }) => valuesOf(value) * PROBE_BYTES_PER_VALUE));
    liveBytes = Math.max(liveBytes, now + probe);
    for (const value of freedAfter.get(node) ?? []) now -= sizeOf(value);
  }
  const binBytes = sites.reduce((sum, { value }) => sum + 2 * valuesOf(value), 0);
  return { liveBytes, binBytes };
}

/**
 * The last node that reads each computed value, its views included; a value that nobody reads dies with its
 * producer.
 */
function lastReaders(graph: Graph, order: readonly Node[]): Map<Value, Node> {
  const outputs = new Set(graph.outputs);
  const source = new Map<Value, Value>();
  const original = (value: Value): Value => source.get(value) ?? value;
  const last = new Map<Value, Node>();
  for (const node of order) {
    const reads = readsOf(node).filter(({ producer }) => producer !== null);
    for (const value of reads) last.set(original(value), node);
    const isView = VIEWS.has(node.opType) && reads[0] !== undefined;
    for (const output of node.outputs) {
      if (!output) continue;
      if (isView) source.set(output, original(reads[0]!));
      else last.set(output, node);
    }
  }
  for (const output of outputs) last.delete(original(output));
  return last;
}

function bytesOf(value: Value, shapes: ReadonlyMap<string, readonly number[]>): number {
  const count = elements(shapes.get(value.name));
  return byteLength(value.type?.elemType, count) ?? 4 * count;
}

/** Number of elements; 0 for a tensor that was not measured. */
const elements = (shape: readonly number[] | undefined): number =>
  shape === undefined ? 0 : shape.reduce((product, size) => product * size, 1);
