import { DataType } from '../onnx/data-types.js';
import { lazyTensor, makeTensor, numberBytes } from '../onnx/make-tensor.js';
import { denseTensor } from '../onnx/sparse.js';
import { elementCount } from '../onnx/tensor-size.js';
import { readNumbers } from '../onnx/tensors.js';
import type { AttributeProto, SparseTensorProto, TensorProto } from '../onnx/types.js';
import { type Constant, foldNode } from './fold.js';
import type { Graph, Value } from './graph.js';

export type { Constant } from './fold.js';

/** Constants of more elements than this are weights, not parameters of the computation. */
const MAX_ELEMENTS = 1024;

/**
 * Values looked at for one constant: enough for any exporter's arithmetic, and a bound for a hostile graph.
 */
const MAX_STEPS = 256;

/**
 * Returns the tensor of an initializer (also of one that is the default of an input), or of a `Constant` node
 * in any of its forms (value, sparse_value, value_float(s), value_int(s)); `null` for everything else. The
 * bytes of sparse tensors and of lists are made when they are first read.
 */
export function constantTensor(value: Value): TensorProto | null {
  if (value.tensor) return value.tensor;
  if (!value.producer) return sparseInitializer(value);
  if (!value.producer.is('Constant')) return null;
  for (const attribute of value.producer.attributes.values()) {
    const tensor = attributeTensor(attribute.proto, value.name);
    if (tensor) return tensor;
  }
  return null;
}

/**
 * Returns the number that a one-element constant holds, computed from constants if need be; otherwise `null`.
 */
export function constantScalar(value: Value): number | null {
  const constant = constantOf(value);
  return constant?.numbers.length === 1 ? constant.numbers[0]! : null;
}

/**
 * Returns the whole numbers that a constant of at most 1,024 elements holds (a shape, axes, …); otherwise
 * `null`.
 */
export function constantInts(value: Value): number[] | null {
  const numbers = constantOf(value)?.numbers;
  return numbers?.every(Number.isInteger) ? numbers : null;
}

/**
 * Returns a constant of at most 1,024 elements, seen through aliases, casts, reshapes, quantization and
 * simple arithmetic on constants; `null` for a value that depends on an input, or on more than that.
 */
export function constantOf(value: Value): Constant | null {
  let steps = 0;
  const resolve = (at: Value): Constant | null => {
    if (++steps > MAX_STEPS) return null;
    const tensor = constantTensor(at);
    if (tensor) return small(tensor);
    if (!at.producer || at.outputIndex !== 0) return null;
    const folded = foldNode(at.producer, resolve);
    return folded && folded.numbers.length <= MAX_ELEMENTS ? folded : null;
  };
  return resolve(value);
}

function small(tensor: TensorProto): Constant | null {
  const elemType = tensor.dataType ?? 0;
  const { STRING, COMPLEX64, COMPLEX128, UNDEFINED } = DataType;
  if (([STRING, COMPLEX64, COMPLEX128, UNDEFINED] as number[]).includes(elemType)) return null;
  if (elementCount(tensor) > MAX_ELEMENTS) return null;
  return { elemType, numbers: Array.from(readNumbers(tensor)) };
}

/** Sparse initializers by name: a graph may have many, and each is looked up often. */
const sparseByName = new WeakMap<Graph, Map<string, SparseTensorProto>>();

function sparseInitializer({ graph, name }: Value): TensorProto | null {
  const { sparseInitializer: list } = graph.extras;
  if (list.length === 0) return null;
  const byName =
    sparseByName.get(graph) ?? new Map(list.map((sparse) => [sparse.values?.name ?? '', sparse]));
  sparseByName.set(graph, byName);
  const sparse = byName.get(name);
  return sparse ? denseTensor(sparse) : null;
}

function attributeTensor(proto: AttributeProto, name: string): TensorProto | null {
  const { FLOAT, INT64 } = DataType;
  const list = (dataType: number, numbers: (number | bigint)[]): TensorProto =>
    lazyTensor(name, dataType, [numbers.length], () => numberBytes(dataType, numbers));
  switch (proto.name) {
    case 'value':
      return proto.t ? { ...proto.t, name } : null;
    case 'sparse_value':
      return proto.sparseTensor ? denseTensor(proto.sparseTensor) : null;
    case 'value_float':
      return makeTensor(name, FLOAT, [], [proto.f ?? 0]);
    case 'value_floats':
      return list(FLOAT, proto.floats);
    case 'value_int':
      return makeTensor(name, INT64, [], [proto.i ?? 0n]);
    case 'value_ints':
      return list(INT64, proto.ints);
    default:
      return null;
  }
}
