import { constantTensor } from '../../../graph/constants.js';
import { replaceUses, setInput } from '../../../graph/edits.js';
import type { Node, Use, Value } from '../../../graph/graph.js';
import { isFloat } from '../../../onnx/data-types.js';
import { makeTensor } from '../../../onnx/make-tensor.js';
import { elementCount, readNumbers } from '../../../onnx/tensors.js';
import type { TensorProto } from '../../../onnx/types.js';
import type { SummingLayer } from '../removal/removal.js';
import { elemTypeOf } from '../weight-numbers.js';

/** Sums that removed constant neurons have added to every output of a layer, [outputs]. */
export interface BiasAddition {
  layer: SummingLayer;
  sums: Float64Array;
}

/** Removed indices of a tensor by axis, counted from the end. */
export type RemovedIndices = ReadonlyMap<number, ReadonlySet<number>>;

/**
 * Adds constant sums to the outputs of a layer: to its own bias, to the bias that the next node adds, or by a
 * new Add. A bias that other nodes read too is copied first.
 *
 * @param removed Removed indices of all computed tensors. Outputs that are removed as well need no bias.
 */
export function addToBias({ layer, sums }: BiasAddition, removed: ReadonlyMap<Value, RemovedIndices>): void {
  if (sums.every((sum) => sum === 0)) return;
  const { node, outAxis, operand } = layer;
  const takesBias = node.is('Gemm') || node.is('Conv');
  const beta = node.is('Gemm') ? node.float('beta', 1) : 1;
  const use = takesBias ? { node, index: 2 } : biasOfNextAdd(node.output, sums.length);
  if (use && beta !== 0 && addToStored(use, sums, beta)) return;
  const axis = node.is('Conv') ? 1 + outAxis : -1;
  const gone = removed.get(node.output)?.get(axis) ?? new Set<number>();
  const kept = sums.filter((_, output) => !gone.has(output));
  const elemType = elemTypeOf(operand);
  if (takesBias && !node.inputs[2] && beta !== 0) {
    const bias = kept.map((sum) => sum / beta);
    setBias(node, makeTensor(`${node.name}_bias`, elemType, [kept.length], bias));
    return;
  }
  const dims = [kept.length, ...new Array<number>(-axis - 1).fill(1)];
  addAfter(node, node.graph.addInitializer(makeTensor(`${node.name}_folded`, elemType, dims, kept)));
}

/** Returns where an Add, the only reader of the output, reads a bias of this size. */
function biasOfNextAdd(output: Value, size: number): Use | null {
  const [use] = output.uses;
  if (!use || output.uses.length !== 1 || output.isOutput || !use.node.is('Add')) return null;
  const index = 1 - use.index;
  const bias = use.node.inputs[index];
  const tensor = bias && constantTensor(bias);
  const last = tensor && Number(tensor.dims.at(-1) ?? 1);
  return tensor && elementCount(tensor) === size && last === size ? { node: use.node, index } : null;
}

/** Adds sums / beta to a stored bias; returns false if there is none of this size. */
function addToStored({ node, index }: Use, sums: Float64Array, beta: number): boolean {
  const bias = node.inputs[index];
  const tensor = bias && constantTensor(bias);
  if (!bias || !tensor || !isFloat(tensor.dataType) || elementCount(tensor) !== sums.length) return false;
  const numbers = Float64Array.from(readNumbers(tensor), (value, i) => value + sums[i]! / beta);
  const added = makeTensor(bias.name, tensor.dataType ?? 0, tensor.dims.map(Number), numbers);
  if (bias.tensor && bias.uses.length === 1) bias.tensor = added;
  else setInput(node, index, node.graph.addInitializer(added));
  return true;
}

function setBias(node: Node, tensor: TensorProto): void {
  const value = node.graph.addInitializer(tensor);
  if (node.inputs.length > 2) setInput(node, 2, value);
  else node.connect(value);
}

/** Adds a constant to a node's output for all its readers. The sum takes over the output's name. */
function addAfter(node: Node, addend: Value): void {
  const { graph, output } = node;
  const add = graph.addNode({ opType: 'Add', inputs: [output, addend], name: `${node.name}_fold` });
  const sum = add.output;
  replaceUses(output, sum);
  setInput(add, 0, output);
  [output.name, sum.name] = [sum.name, output.name];
  [sum.type, sum.info] = [output.type, output.info];
  output.info = null;
}
