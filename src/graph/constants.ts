import { DataType } from '../onnx/data-types.js';
import { makeTensor } from '../onnx/make-tensor.js';
import { elementCount } from '../onnx/tensor-size.js';
import { MAX_DENSE, readNumbers, sparseToDense } from '../onnx/tensors.js';
import type { AttributeProto, SparseTensorProto, TensorProto } from '../onnx/types.js';
import { type Constant, foldNode } from './fold.js';
import type { Value } from './graph.js';

export type { Constant } from './fold.js';

/** Constants of more elements than this are weights, not parameters of the computation. */
const MAX_ELEMENTS = 1024;

/** Values looked at for one constant: enough for any exporter's arithmetic, and a bound for a hostile graph. */
const MAX_STEPS = 256;

/**
 * The tensor of an initializer (also one that is the default of an input), or of a `Constant` node in any of its
 * forms (value, sparse_value, value_float(s), value_int(s)); `null` for everything else.
 */
export function constantTensor(value: Value): TensorProto | null {
  if (value.tensor) return value.tensor;
  if (!value.producer) return sparseInitializer(value);
  if (!value.producer.is('Constant')) return null;
  for (const attribute of value.producer.attributes.values()) {
    const tensor = attributeTensor(attribute.proto);
    if (tensor) return { ...tensor, name: value.name };
  }
  return null;
}

/** The number that a one-element constant holds, computed from constants where need be; otherwise `null`. */
export function constantScalar(value: Value): number | null {
  const constant = constantOf(value);
  return constant?.numbers.length === 1 ? constant.numbers[0]! : null;
}

/** The whole numbers that a constant of at most 1,024 elements holds (a shape, axes, …); otherwise `null`. */
export function constantInts(value: Value): number[] | null {
  const numbers = constantOf(value)?.numbers;
  return numbers?.every(Number.isInteger) ? numbers : null;
}

/**
 * A constant of at most 1,024 elements, seen through aliases, casts, reshapes, quantization and simple arithmetic on
 * constants; `null` for a value that depends on an input, or on more than that.
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

function sparseInitializer(value: Value): TensorProto | null {
  const { sparseInitializer: list } = value.graph.extras;
  const sparse = list.find(({ values }) => values?.name === value.name);
  return sparse ? dense(sparse) : null;
}

function attributeTensor(proto: AttributeProto): TensorProto | null {
  switch (proto.name) {
    case 'value':
      return proto.t ?? null;
    case 'sparse_value':
      return proto.sparseTensor ? dense(proto.sparseTensor) : null;
    case 'value_float':
      return makeTensor('', DataType.FLOAT, [], [proto.f ?? 0]);
    case 'value_floats':
      return makeTensor('', DataType.FLOAT, [proto.floats.length], proto.floats);
    case 'value_int':
      return makeTensor('', DataType.INT64, [], [proto.i ?? 0n]);
    case 'value_ints':
      return makeTensor('', DataType.INT64, [proto.ints.length], proto.ints);
    default:
      return null;
  }
}

function dense(sparse: SparseTensorProto): TensorProto | null {
  const { values } = sparse;
  if (!values || elementCount({ ...values, dims: sparse.dims }) > MAX_DENSE) return null;
  return makeTensor(values.name ?? '', values.dataType ?? 0, sparse.dims.map(Number), sparseToDense(sparse));
}
