import { constantTensor } from '../../graph/constants.js';
import { replaceUses, setInput } from '../../graph/edits.js';
import type { Node, Use, Value } from '../../graph/graph.js';
import { isFloat } from '../../onnx/data-types.js';
import { makeTensor } from '../../onnx/make-tensor.js';
import { elementCount, readNumbers } from '../../onnx/tensors.js';
import type { TensorProto } from '../../onnx/types.js';
import type { LinearEnd } from './cut.js';
import { elemTypeOf } from './fold.js';

/** What removed neurons added to every output of a layer, [outputs]. */
export interface Folded {
  end: LinearEnd;
  sums: Float64Array;
}

type RemovedAxes = ReadonlyMap<Value, ReadonlyMap<number, ReadonlySet<number>>>;

/**
 * Adds constant sums to the outputs of a layer: to its own bias, to the bias that an Add right behind it adds, or by
 * a new Add. A bias that others read too is copied first.
 *
 * @param removed Outputs that go as well: a new bias is made without them.
 */
export function addToBias({ end, sums }: Folded, removed: RemovedAxes): void {
  if (sums.every((sum) => sum === 0)) return;
  const { node } = end;
  const own = { node, index: 2 };
  const takesBias = node.is('Gemm') || node.is('Conv');
  const behind = takesBias ? null : biasBehind(node.output, sums.length);
  const use = takesBias ? own : behind;
  const bias = use && (use.node.inputs[use.index] ?? null);
  const beta = node.is('Gemm') ? node.float('beta', 1) : 1;
  if (use && bias && beta !== 0) {
    const tensor = constantTensor(bias);
    if (tensor && isFloat(tensor.dataType) && elementCount(tensor) === sums.length) {
      setBias(use, plus(tensor, sums, beta));
      return;
    }
  }
  const axis = node.is('Conv') ? 1 + end.outAxis : -1;
  const gone = removed.get(node.output)?.get(axis) ?? new Set<number>();
  const kept = sums.filter((_, output) => !gone.has(output));
  const elemType = elemTypeOf(end.operand);
  if (takesBias && !bias && beta !== 0) {
    const tensor = makeTensor(
      `${node.name}_bias`,
      elemType,
      [kept.length],
      kept.map((sum) => sum / beta),
    );
    const value = node.graph.addInitializer(tensor);
    if (node.inputs.length > 2) setInput(node, 2, value);
    else node.connect(value);
    return;
  }
  const dims = [kept.length, ...new Array<number>(-axis - 1).fill(1)];
  addBehind(node, node.graph.addInitializer(makeTensor(`${node.name}_folded`, elemType, dims, kept)));
}

/** The place where an Add, the only reader, adds a bias of this size. */
function biasBehind(output: Value, size: number): Use | null {
  const [use] = output.uses;
  if (!use || output.uses.length !== 1 || output.isOutput || !use.node.is('Add')) return null;
  const index = 1 - use.index;
  const bias = use.node.inputs[index];
  const tensor = bias && constantTensor(bias);
  const last = tensor && Number(tensor.dims.at(-1) ?? 1);
  return tensor && elementCount(tensor) === size && last === size ? { node: use.node, index } : null;
}

function plus(tensor: TensorProto, sums: Float64Array, beta: number): TensorProto {
  const numbers = Float64Array.from(readNumbers(tensor), (value, i) => value + sums[i]! / beta);
  return makeTensor(tensor.name ?? '', tensor.dataType ?? 0, tensor.dims.map(Number), numbers);
}

function setBias({ node, index }: Use, tensor: TensorProto): void {
  const bias = node.inputs[index]!;
  if (bias.tensor && bias.uses.length === 1) bias.tensor = { ...tensor, name: bias.name };
  else setInput(node, index, node.graph.addInitializer({ ...tensor, name: bias.name }));
}

/** Adds a constant to a node's output for all its readers; the sum takes over the output's name. */
function addBehind(node: Node, addend: Value): void {
  const { graph, output } = node;
  const add = graph.addNode({ opType: 'Add', inputs: [output, addend], name: `${node.name}_fold` });
  const sum = add.output;
  replaceUses(output, sum);
  setInput(add, 0, output);
  [output.name, sum.name] = [sum.name, output.name];
  [sum.type, sum.info] = [output.type, output.info];
  output.info = null;
}
