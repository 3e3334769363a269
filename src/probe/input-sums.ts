import { intAttribute, intsAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { DataType, isFloat } from '../onnx/data-types.js';
import type { Linear } from '../patterns/linear.js';
import { pruneUnused } from './prune-unused.js';

/** Where the sums over one layer's input come out. */
export interface InputSums {
  /** Name of the layer's input in the model. */
  input: string;
  /** Output [inputs], float32. */
  sums: string;
  /** Output [2], int64: rows that were summed (masked ones included), inputs. */
  shape: string;
}

export interface InputSumsOverlay {
  layers: InputSums[];
  /** Input [positions], bool; `null` when every position counts. */
  mask: string | null;
}

/**
 * Replaces a model's outputs by the sums over positions of what enters the given layers, [..., inputs] or, for a
 * convolution, [batch, channels, ...]; drops what these don't need. The model is changed.
 */
export function addInputSums(model: Model, layers: readonly Linear[], masked: boolean): InputSumsOverlay {
  const { graph } = model;
  graph.setOutputs([]);
  const mask = masked
    ? graph.addInput('audit.mask', { elemType: DataType.BOOL, shape: ['audit_positions'] })
    : null;
  const opset = model.opsets.get('') ?? 1;
  const b = new Builder(graph, opset, 'audit/input/');
  const inputs = new Map(layers.filter(hasInputLast).map((layer) => [layer.input, layer]));
  const sums = [...inputs.values()].map((layer) => {
    const rows = rowsOf(b, layer);
    const counted = mask ? b.op('Where', [b.unsqueeze(mask, 1), rows, b.float(0)]) : rows;
    const sum = b.op('Flatten', [b.reduce('ReduceSum', counted, [0])], { axis: intAttribute(0) });
    const shape = b.op('Shape', [rows]);
    graph.addOutput(sum);
    graph.addOutput(shape);
    return { input: layer.input.name, sums: sum.name, shape: shape.name };
  });
  pruneUnused(graph);
  return { layers: sums, mask: mask?.name ?? null };
}

const hasInputLast = ({ node }: Linear): boolean => node.int('transA', 0) === 0;

/** The layer's input as float32 [positions, inputs]. */
function rowsOf(b: Builder, { node, input }: Linear): Value {
  const real = dequantized(b, node.opType.startsWith('QLinear') ? node.inputs[2] : null, input);
  let at = real;
  if (node.opType.includes('Conv')) {
    const rank = real.rank ?? input.rank ?? 4;
    const perm = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
    at = b.op('Transpose', [real], { perm: intsAttribute(perm) });
  }
  const flat = b.op('Flatten', [at], { axis: intAttribute(-1) });
  return real.type?.elemType === DataType.FLOAT ? flat : b.cast(flat, DataType.FLOAT);
}

/** What was quantized right before the layer; else codes less their zero point: the sign and the order are the same. */
function dequantized(b: Builder, zeroPoint: Value | null | undefined, input: Value): Value {
  const producer = input.producer;
  const quantizes = producer?.opType === 'QuantizeLinear' || producer?.opType === 'DynamicQuantizeLinear';
  if (quantizes && producer.input) return producer.input;
  const isCode = input.type !== null && input.type.elemType !== 0 && !isFloat(input.type.elemType);
  if (!zeroPoint && !isCode) return input;
  const codes = b.cast(input, DataType.FLOAT);
  return zeroPoint ? b.op('Sub', [codes, b.cast(zeroPoint, DataType.FLOAT)]) : codes;
}
