/**
 * Tiny ONNX models, written byte by byte: the session is tested without any of our own readers and writers.
 */
export interface Tensor {
  name: string;
  /** TensorProto.DataType: 1 float, 2 uint8, 7 int64, 9 bool, 10 float16. */
  type: number;
  dims: (number | string)[];
}

export function model(
  nodes: { op: string; inputs: string[]; outputs: string[]; to?: number }[],
  inputs: Tensor[],
  outputs: Tensor[],
  { opset = 17, ir = 8, initializer = [] as number[] } = {},
): Uint8Array {
  const graph = [
    ...nodes.flatMap(({ op, inputs, outputs, to }, i) =>
      bytes(1, [
        ...inputs.flatMap((name) => text(1, name)),
        ...outputs.flatMap((name) => text(2, name)),
        ...text(3, i === 0 ? `my_${op}` : `my_${op}_${i}`),
        ...text(4, op),
        ...(to === undefined ? [] : bytes(5, [...text(1, 'to'), ...int(3, to), ...int(20, 2)])),
      ]),
    ),
    ...text(2, 'graph'),
    ...(initializer.length > 0 ? bytes(5, initializer) : []),
    ...inputs.flatMap((tensor) => bytes(11, valueInfo(tensor))),
    ...outputs.flatMap((tensor) => bytes(12, valueInfo(tensor))),
  ];
  return Uint8Array.from([...int(1, ir), ...bytes(7, graph), ...bytes(8, int(2, opset))]);
}

/** A float32 initializer [length] whose data lie in another file. */
export function externalFloats(name: string, length: number, location: string): number[] {
  const where = [...text(1, 'location'), ...text(2, location)];
  return [...int(1, length), ...int(2, 1), ...text(8, name), ...bytes(13, where), ...int(14, 1)];
}

/** y = x·x, float32 [n]. */
export const square = model(
  [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
  [{ name: 'x', type: 1, dims: ['n'] }],
  [{ name: 'y', type: 1, dims: ['n'] }],
);

/** y = x·x·…, [n, n]: about `products` · 2n³ operations, to have something that blocks for a while. */
export function slow(products: number): Uint8Array {
  const nodes = Array.from({ length: products }, (_, i) => ({
    op: 'MatMul',
    inputs: [i === 0 ? 'x' : `v${i}`, 'x'],
    outputs: [i === products - 1 ? 'y' : `v${i + 1}`],
  }));
  const io = (name: string) => ({ name, type: 1, dims: ['n', 'n'] });
  return model(nodes, [io('x')], [io('y')]);
}

function valueInfo({ name, type, dims }: Tensor): number[] {
  const shape = dims.flatMap((dim) => bytes(1, typeof dim === 'number' ? int(1, dim) : text(2, dim)));
  return [...text(1, name), ...bytes(2, bytes(1, [...int(1, type), ...bytes(2, shape)]))];
}

function int(field: number, value: number): number[] {
  return [...varint(field << 3), ...varint(value)];
}

function bytes(field: number, content: number[]): number[] {
  return [...varint((field << 3) | 2), ...varint(content.length), ...content];
}

function text(field: number, content: string): number[] {
  return bytes(field, [...Buffer.from(content)]);
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}
