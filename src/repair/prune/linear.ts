import type { Node } from '../../graph/graph.js';
import { isConstant } from '../../patterns/operands.js';
import {
  type Cut,
  covers,
  type DimsOf,
  input,
  label,
  onAxis,
  output,
  type Port,
  type Refusal,
  refuse,
  type Spread,
} from './cut.js';

/** Operands of a multiplication by a weight. */
interface Layout {
  weight: number;
  /** Axes of the weight operand, counted from the end; a convolution's depend on its rank. */
  out: (node: Node, rank: number) => number;
  in: (node: Node, rank: number) => number;
  /** Operands with one number per output: bias, scales, zero points. */
  perOutput: number[];
  /** Why a constant that is not zero cannot be folded. */
  onlyZero?: (node: Node) => string | null;
}

const matmul = { out: () => -1, in: () => -2 };
const transB = {
  out: (node: Node) => (node.int('transB', 0) ? -2 : -1),
  in: (node: Node) => (node.int('transB', 0) ? -1 : -2),
};
const conv = { out: (_: Node, rank: number) => -rank, in: (_: Node, rank: number) => 1 - rank };
const quantized = () => 'its inputs are quantized';

/** As in patterns/linear.ts. */
const layouts: Record<string, Record<string, Layout>> = {
  '': {
    MatMul: { weight: 1, ...matmul, perOutput: [] },
    Gemm: { weight: 1, ...transB, perOutput: [2] },
    Conv: { weight: 1, ...conv, perOutput: [2], onlyZero: padded },
    MatMulInteger: { weight: 1, ...matmul, perOutput: [3], onlyZero: quantized },
    ConvInteger: { weight: 1, ...conv, perOutput: [3], onlyZero: quantized },
    QLinearMatMul: { weight: 3, ...matmul, perOutput: [4, 5], onlyZero: quantized },
    QLinearConv: { weight: 3, ...conv, perOutput: [4, 5, 8], onlyZero: quantized },
  },
  'com.microsoft': {
    FusedMatMul: { weight: 1, ...transB, perOutput: [] },
    MatMulIntegerToFloat: { weight: 1, ...matmul, perOutput: [3, 5, 6], onlyZero: quantized },
    DynamicQuantizeMatMul: { weight: 1, ...matmul, perOutput: [2, 3, 4], onlyZero: quantized },
  },
};

/** Whether zeros are added around the input: then a constant channel is not constant to the kernel. */
function padded(node: Node): string | null {
  const auto = node.string('auto_pad', 'NOTSET');
  const pads = node.ints('pads')?.some((pad) => pad !== 0) ?? false;
  return auto === 'VALID' || (auto === 'NOTSET' && !pads) ? null : 'the convolution after it pads with zeros';
}

/** How a cut passes a multiplication; `null` for other nodes. */
export function spreadLinear(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal | null {
  if (node.is('MatMulNBits', 'com.microsoft'))
    return refuse(`${label(node)} packs its inputs in blocks of ${node.int('block_size', 0)}`);
  const layout = layouts[node.domain]?.[node.opType];
  if (!layout) return null;
  const operand = node.inputs[layout.weight];
  if (!operand || !isConstant(operand)) return spreadProduct(node, from, cut, dimsOf);
  const dims = dimsOf(operand);
  if (!dims) return refuse(`the size of the weight of ${label(node)} is not known`);
  const channelAxis = node.opType.includes('Conv') ? 1 - dims.length : -1;
  if (cut.axis !== channelAxis || node.int('transA', 0)) {
    return refuse(`${label(node)} multiplies over another axis than that of the neurons`);
  }
  if (node.int('group', 1) !== 1) return spreadDepthwise(node, cut, dims, layout, dimsOf);
  if (from.side === 'output') {
    const weight = onAxis(cut, layout.out(node, dims.length));
    if (covers(dims, weight) !== 'full') return misfit(node);
    const vectors = perOutput(node, layout.perOutput, cut, dimsOf);
    return 'reason' in vectors ? vectors : { ports: [[input(layout.weight), weight], ...vectors.ports] };
  }
  const inAxis = layout.in(node, dims.length);
  if (covers(dims, onAxis(cut, inAxis)) !== 'full') return misfit(node);
  const outAxis = layout.out(node, dims.length);
  const onlyZero = layout.onlyZero?.(node) ?? null;
  return {
    ports: [[input(layout.weight), onAxis(cut, inAxis)]],
    end: { node, operand, inAxis, outAxis, cut, onlyZero },
  };
}

/** A · H with a computed A, as in a graph convolution: the neurons are those of H. */
function spreadProduct(node: Node, from: Port, cut: Cut, dimsOf: DimsOf): Spread | Refusal {
  const features = cut.axis === -1 && !node.int('transB', 0) && (from.side === 'output' || from.index === 1);
  if (!features || node.opType.includes('Conv') || node.inputs.length > 3) {
    return refuse(`${label(node)} multiplies the neurons by something that is computed`);
  }
  const vectors = perOutput(node, node.opType === 'Gemm' ? [2] : [], cut, dimsOf);
  if ('reason' in vectors) return vectors;
  return { ports: [[input(1), cut], [output(), cut], ...vectors.ports] };
}

/** A convolution with a kernel for each channel keeps channels apart. */
function spreadDepthwise(
  node: Node,
  cut: Cut,
  dims: readonly number[],
  layout: Layout,
  dimsOf: DimsOf,
): Spread | Refusal {
  const groups = node.int('group', 1);
  if (dims[1] !== 1 || dims[0] !== groups || groups !== cut.width || layout.weight !== 1) {
    return refuse(`${label(node)} works in ${groups} groups`);
  }
  const vectors = perOutput(node, layout.perOutput, cut, dimsOf);
  if ('reason' in vectors) return vectors;
  return {
    ports: [[input(0), cut], [output(), cut], [input(1), onAxis(cut, -dims.length)], ...vectors.ports],
    edits: [{ node, place: 'group', element: null, minus: cut.removed.size }],
  };
}

/** Cuts of vectors with a number per output; those of one number stay. */
function perOutput(node: Node, places: number[], cut: Cut, dimsOf: DimsOf): Pick<Spread, 'ports'> | Refusal {
  const ports: Spread['ports'] = [];
  for (const index of places) {
    const vector = node.inputs[index];
    if (!vector) continue;
    const found = covers(dimsOf(vector), onAxis(cut, -1));
    if (found === 'unknown') return misfit(node);
    if (found === 'full') ports.push([input(index), onAxis(cut, -1)]);
  }
  return { ports };
}

const misfit = (node: Node): Refusal =>
  refuse(`an operand of ${label(node)} does not have the neurons' size`);
