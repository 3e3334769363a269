import { DataType } from '../onnx/data-types.js';
import { bf16ToF32, f16ToF32, f32ToBf16, f32ToF16 } from '../onnx/floats.js';
import { elementCount, readNumbers } from '../onnx/tensors.js';
import type { Node, Value } from './graph.js';

/** A small constant: its numbers, row-major, with their element type. */
export interface Constant {
  elemType: number;
  numbers: number[];
}

type Resolve = (value: Value) => Constant | null;

/** Operators that keep the numbers and change at most their shape (a transposition only of one element). */
const transparent = new Set(['Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Transpose']);

const unary: Record<string, (x: number) => number> = {
  Sqrt: Math.sqrt,
  Neg: (x) => -x,
  Reciprocal: (x) => 1 / x,
  Abs: Math.abs,
  Exp: Math.exp,
  Floor: Math.floor,
  Ceil: Math.ceil,
};

const binary: Record<string, (a: number, b: number) => number> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Pow: (a, b) => a ** b,
};

/**
 * Returns what a node computes from small constants; `null` if its inputs are none, or for other operators.
 */
export function foldNode(node: Node, resolve: Resolve): Constant | null {
  // ONNX Runtime has the quantization operators in its own domain too.
  if (node.domain !== '' && !isQuantization(node)) return null;
  const [first, second] = node.inputs;
  if (node.opType === 'Concat') return concat(node, resolve);
  if (!first) return null;
  if (transparent.has(node.opType)) {
    const a = resolve(first);
    return node.opType === 'Transpose' && a?.numbers.length !== 1 ? null : a;
  }
  if (node.opType === 'Cast') {
    const a = resolve(first);
    return a && cast(a.numbers, node.int('to', a.elemType));
  }
  if (node.opType === 'CastLike') {
    const [a, like] = [
      resolve(first),
      second ? (second.type?.elemType ?? resolve(second)?.elemType) : undefined,
    ];
    return a && like !== undefined ? cast(a.numbers, like) : null;
  }
  if (node.opType === 'ConstantOfShape') return constantOfShape(node, resolve(first));
  const one = unary[node.opType];
  if (one) {
    const a = resolve(first);
    return a && rounded(a.numbers.map(one), a.elemType);
  }
  const two = binary[node.opType];
  if (two) return second ? elementwise(two, resolve(first), resolve(second)) : null;
  return quantization(node, resolve);
}

/** Same size, or one side a single element. */
function elementwise(
  apply: (a: number, b: number) => number,
  a: Constant | null,
  b: Constant | null,
): Constant | null {
  if (!a || !b) return null;
  const size = Math.max(a.numbers.length, b.numbers.length);
  if ([a, b].some(({ numbers }) => numbers.length !== size && numbers.length !== 1)) return null;
  const at = ({ numbers }: Constant, i: number) => numbers[numbers.length === 1 ? 0 : i]!;
  const numbers = Array.from({ length: size }, (_, i) => apply(at(a, i), at(b, i)));
  return rounded(numbers, a.elemType);
}

/** One-dimensional parts, as exporters build shapes. */
function concat(node: Node, resolve: Resolve): Constant | null {
  if (node.int('axis', 0) !== 0) return null;
  const numbers: number[] = [];
  let elemType = 0;
  for (const input of node.inputs) {
    const part = input && resolve(input);
    if (!part) return null;
    elemType = part.elemType;
    numbers.push(...part.numbers);
  }
  return { elemType, numbers };
}

function constantOfShape(node: Node, shape: Constant | null): Constant | null {
  if (!shape || shape.numbers.some((size) => size !== 1)) return null;
  const value = node.tensor('value');
  if (!value) return { elemType: DataType.FLOAT, numbers: [0] };
  if (elementCount(value) !== 1) return null;
  return { elemType: value.dataType ?? 0, numbers: Array.from(readNumbers(value)) };
}

/**
 * https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html with one scale and zero point for all elements.
 */
function quantization(node: Node, resolve: Resolve): Constant | null {
  const [x, scaleInput, zeroInput] = node.inputs;
  if (!isQuantization(node) || !x || !scaleInput) return null;
  const [a, scale] = [resolve(x), resolve(scaleInput)];
  const zero = zeroInput ? resolve(zeroInput) : { elemType: DataType.UINT8, numbers: [0] };
  if (!a || scale?.numbers.length !== 1 || zero?.numbers.length !== 1) return null;
  const [s, z] = [scale.numbers[0]!, zero.numbers[0]!];
  if (node.opType === 'DequantizeLinear')
    return rounded(
      a.numbers.map((q) => (q - z) * s),
      scale.elemType,
    );
  const range = ranges[zero.elemType];
  if (!range) return null;
  const clamp = (q: number) => Math.min(range[1], Math.max(range[0], q));
  return { elemType: zero.elemType, numbers: a.numbers.map((v) => clamp(roundEven(v / s) + z)) };
}

function isQuantization({ opType, domain }: Node): boolean {
  return /^(Quantize|Dequantize)Linear$/.test(opType) && (domain === '' || domain === 'com.microsoft');
}

const ranges: Record<number, [number, number]> = {
  [DataType.UINT8]: [0, 255],
  [DataType.INT8]: [-128, 127],
  [DataType.UINT16]: [0, 65535],
  [DataType.INT16]: [-32768, 32767],
  [DataType.UINT4]: [0, 15],
  [DataType.INT4]: [-8, 7],
};

function roundEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function cast(numbers: number[], to: number): Constant {
  if (to === DataType.BOOL) return { elemType: to, numbers: numbers.map((v) => (v === 0 ? 0 : 1)) };
  return rounded(numbers, to);
}

/** Numbers as the element type holds them; integers are truncated. */
function rounded(numbers: number[], elemType: number): Constant {
  return { elemType, numbers: numbers.map(rounding[elemType] ?? Math.trunc) };
}

const rounding: Record<number, (v: number) => number> = {
  [DataType.FLOAT]: Math.fround,
  [DataType.DOUBLE]: (v) => v,
  [DataType.FLOAT16]: (v) => f16ToF32(f32ToF16(v)),
  [DataType.BFLOAT16]: (v) => bf16ToF32(f32ToBf16(v)),
};
