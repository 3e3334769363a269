import { intAttribute, intsAttribute } from '../../graph/attributes.js';
import { constantInts, constantTensor } from '../../graph/constants.js';
import { removeInitializers, removeUnread, setInput } from '../../graph/edits.js';
import type { Graph, Node, Value } from '../../graph/graph.js';
import { canCut, cutDims, cutTensor } from '../../onnx/cut.js';
import { DataType } from '../../onnx/data-types.js';
import { makeTensor } from '../../onnx/make-tensor.js';
import { IN_MEMORY_BYTES } from '../../onnx/payload.js';
import type { TensorProto } from '../../onnx/types.js';
import type { Deferred } from '../../onnx/writer.js';
import { addToBias, type Folded } from './bias.js';
import type { DimsOf, SizeEdit } from './cut.js';
import { concatPart } from './moves.js';
import type { RemovalPlan } from './plan.js';

export interface Pruned {
  modified: boolean;
  /** Bytes of the tensors that lost neurons; their messages hold none. */
  deferred: Map<TensorProto, Deferred>;
}

/** Cut tensors up to this size are made at once: shapes and biases stay readable for what looks at the graph. */
const AT_ONCE_BYTES = 65_536;

/**
 * Removes the neurons of all plans from a graph, and adds what the constant ones among them contributed to the biases
 * behind. The plans are about this graph as it is; it is changed.
 */
export function pruneNeurons(
  graph: Graph,
  plans: readonly RemovalPlan[],
  folded: readonly Folded[],
  dimsOf: DimsOf,
): Pruned {
  const removed = removedAxes(plans);
  for (const fold of folded) addToBias(fold, removed);
  const deferred = new Map<TensorProto, Deferred>();
  for (const value of cutStored(plans)) narrow(value, deferred);
  for (const [value, axes] of removed) declareNarrower(value, axes);
  for (const edit of summed(plans.flatMap(({ edits }) => edits))) changeSize(edit, dimsOf);
  for (const edit of summed(ownCopies(plans))) changeSize(edit, dimsOf);
  dropUnread(graph);
  return { modified: plans.length > 0, deferred };
}

/** Removed indices by axis (counted from the end), several plans together. */
type RemovedAxes = Map<Value, Map<number, Set<number>>>;

function removedAxes(plans: readonly RemovalPlan[]): RemovedAxes {
  const all: RemovedAxes = new Map();
  for (const { cuts } of plans) {
    for (const [value, { axis, removed }] of cuts) {
      const axes = all.get(value) ?? new Map<number, Set<number>>();
      const indices = axes.get(axis) ?? new Set<number>();
      for (const index of removed.keys()) indices.add(index);
      all.set(value, axes.set(axis, indices));
    }
  }
  return all;
}

interface Narrower {
  value: Value;
  axes: Map<number, Set<number>>;
}

/** Stored tensors with all that they lose; one that others read too is copied for its reader here first. */
function cutStored(plans: readonly RemovalPlan[]): Narrower[] {
  const found = new Map<string, Narrower>();
  const keys = new Map<object, number>();
  const id = (object: object) => keys.get(object) ?? keys.set(object, keys.size).size - 1;
  for (const { stored } of plans) {
    for (const { use, cut } of stored) {
      const key = `${id(use.node)}/${use.index}`;
      const known = found.get(key) ?? { value: ownCopy(use.node.inputs[use.index]!, use), axes: new Map() };
      const indices = known.axes.get(cut.axis) ?? new Set<number>();
      for (const index of cut.removed.keys()) indices.add(index);
      known.axes.set(cut.axis, indices);
      found.set(key, known);
    }
  }
  return [...found.values()];
}

/** An initializer that only this place reads; a `Constant` node's tensor becomes one. */
function ownCopy(
  value: Value,
  { node, index }: { node: Value['uses'][number]['node']; index: number },
): Value {
  if (value.tensor && value.uses.length === 1) return value;
  const tensor = constantTensor(value)!;
  const copy = node.graph.addInitializer({ ...tensor, name: value.name });
  copy.type = { elemType: tensor.dataType ?? 0, shape: tensor.dims.map(Number) };
  setInput(node, index, copy);
  return copy;
}

function narrow({ value, axes }: Narrower, deferred: Map<TensorProto, Deferred>): void {
  const tensor = value.tensor!;
  const rank = tensor.dims.length;
  const removed = new Map([...axes].map(([axis, set]) => [axis + rank, [...set].sort((a, b) => a - b)]));
  if (!canCut(tensor)) throw new Error(`${value.name} cannot be cut`);
  const dims = cutDims(tensor, removed);
  const bytes = cutTensor(tensor, removed);
  const { span: _, rawData: __, ...rest } = tensor;
  const data = { floatData: [], doubleData: [], int32Data: [], int64Data: [], uint64Data: [] };
  const narrower: TensorProto = { ...rest, ...data, dims: dims.map(BigInt), externalData: [] };
  // What was external stays so, as far as it is not written inline anyway.
  const external = tensor.dataLocation === 1 && bytes.lengthBytes > IN_MEMORY_BYTES;
  if (!external && bytes.lengthBytes <= AT_ONCE_BYTES) {
    delete narrower.dataLocation;
    narrower.rawData = joined(bytes);
  } else deferred.set(narrower, bytes);
  value.tensor = narrower;
  value.type = { elemType: tensor.dataType ?? 0, shape: dims };
}

function joined({ lengthBytes, chunks }: Deferred): Uint8Array {
  const all = new Uint8Array(lengthBytes);
  let at = 0;
  for (const chunk of chunks()) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** The declared size of a computed tensor, if it has one. */
function declareNarrower(value: Value, axes: ReadonlyMap<number, ReadonlySet<number>>): void {
  const shape = value.type?.shape;
  if (!value.type || !shape) return;
  const next = shape.map((dim, i) => {
    const removed = axes.get(i - shape.length)?.size ?? 0;
    return typeof dim === 'number' ? dim - removed : removed > 0 ? null : dim;
  });
  value.type = { ...value.type, shape: next };
}

/** Gives readers their own copies of filled tensors; their sizes are still to be changed. */
function ownCopies(plans: readonly RemovalPlan[]): SizeEdit[] {
  const made = new Map<Node, Map<number, Node>>();
  return plans
    .flatMap(({ copies }) => copies)
    .map(({ use: { node, index }, edit }) => {
      const known = made.get(node)?.get(index);
      if (known) return { ...edit, node: known };
      const { opType, inputs, attributes, name } = edit.node;
      const spec = { opType, inputs, name: `${name}_pruned`, attributes: Object.fromEntries(attributes) };
      const copy = node.graph.addNode(spec);
      setInput(node, index, copy.output);
      made.set(node, (made.get(node) ?? new Map()).set(index, copy));
      return { ...edit, node: copy };
    });
}

/** Size edits; two about the same number count together. */
function summed(edits: readonly SizeEdit[]): SizeEdit[] {
  const all: SizeEdit[] = [];
  for (const edit of edits) {
    const same = all.find(
      ({ node, place, element }) => node === edit.node && place === edit.place && element === edit.element,
    );
    if (same) same.minus += edit.minus;
    else all.push({ ...edit });
  }
  return all;
}

function changeSize({ node, place, element, minus }: SizeEdit, dimsOf: DimsOf): void {
  if (typeof place === 'number') {
    const shape = node.inputs[place];
    if (shape) setInput(node, place, smaller(shape, element ?? 0, minus, dimsOf));
    return;
  }
  if (element === null) node.attributes.set(place, intAttribute(node.int(place, 1) - minus));
  else {
    const sizes = node.ints(place) ?? [];
    node.attributes.set(place, intsAttribute(sizes.map((size, i) => (i === element ? size - minus : size))));
  }
}

/** The same shape with a smaller element: a new constant, since exporters share equal shapes between layers. */
function smaller(shape: Value, element: number, minus: number, dimsOf: DimsOf): Value {
  const { graph } = shape;
  const constant = constantInts(shape);
  if (constant) {
    const numbers = constant.map((size, i) => (i === element ? size - minus : size));
    const scalar = dimsOf(shape)?.length === 0;
    const elemType = constantTensor(shape)?.dataType ?? DataType.INT64;
    const dims = scalar ? [] : [numbers.length];
    return graph.addInitializer(makeTensor(`${shape.name}_pruned`, elemType, dims, numbers));
  }
  const part = concatPart(shape, element, dimsOf);
  if (!part) throw new Error(`the size at ${shape.name}[${element}] is computed`);
  const inputs = part.node.inputs.map((value, i) =>
    i === part.index && value ? smaller(value, part.element, minus, dimsOf) : value,
  );
  const name = `${part.node.name}_pruned`;
  return graph.addNode({ opType: 'Concat', inputs, name, attributes: { axis: intAttribute(0) } }).output;
}

/** Removes what computed a shape or held a tensor that has been replaced. */
function dropUnread(graph: Graph): void {
  removeUnread(graph, graph.nodes, (node) => dropped.has(node.opType) && node.domain === '');
  removeInitializers(
    graph,
    graph.initializers.filter((value) => value.uses.length === 0 && !value.isOutput && !value.isInput),
  );
}

const dropped = new Set(['Expand', 'ConstantOfShape', 'Constant', 'Concat', 'Unsqueeze', 'Identity', 'Cast']);
