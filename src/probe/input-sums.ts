import { intAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { where } from '../graph/spelling.js';
import { DataType, isFloat } from '../onnx/data-types.js';
import type { Linear } from '../patterns/linear.js';
import { pruneUnused } from './prune-unused.js';
import { positionMask, rowMask } from './row-mask.js';
import { siteRows } from './site-rows.js';

/** Outputs of the overlay that hold the sums over one layer's input. */
interface InputSums {
  /** Name of the layer's input in the model. */
  input: string;
  /** Output [inputs], float32. */
  sums: string;
  /** Output [2], int64: number of rows, those that the mask leaves out included; number of inputs. */
  shape: string;
}

export interface InputSumsOverlay {
  layers: InputSums[];
  /** Input [positions], bool; `null` if every position counts. */
  mask: string | null;
}

/**
 * Replaces a model's outputs by the sums over positions of what enters the given layers, [..., inputs] or,
 * for a convolution, [batch, channels, …pixels]. Drops what these sums do not need. The model is changed.
 */
export function addInputSums(model: Model, layers: readonly Linear[], masked: boolean): InputSumsOverlay {
  const { graph } = model;
  graph.setOutputs([]);
  const mask = masked
    ? graph.addInput('audit.mask', { elemType: DataType.BOOL, shape: ['audit_positions'] })
    : null;
  const b = Builder.of(model, 'audit/input/');
  const inputs = new Map(layers.filter(hasInputLast).map((layer) => [layer.input, layer]));
  const prepared = mask && positionMask(b, mask);
  const sums = [...inputs.values()].map((layer, i) => {
    const rows = inputRows(b, layer);
    const counted = prepared ? where(b, rowMask(b, prepared, rows, `${b.prefix}rows${i}`), rows, 0) : rows;
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
function inputRows(b: Builder, { node, input }: Linear): Value {
  const value = dequantized(b, node.opType.startsWith('QLinear') ? node.inputs[2] : null, input);
  const axis = node.opType.includes('Conv') ? 1 : -1;
  return siteRows(b, { value, plus: null, axis, neurons: null });
}

/**
 * Returns the value that was quantized right before the layer. Without one, returns the codes less their zero
 * point: the sums then lack the scale, but keep their sign and order.
 */
function dequantized(b: Builder, zeroPoint: Value | null | undefined, input: Value): Value {
  const producer = input.producer;
  const quantizes = producer?.opType === 'QuantizeLinear' || producer?.opType === 'DynamicQuantizeLinear';
  if (quantizes && producer.input) return producer.input;
  const isCode = input.type !== null && input.type.elemType !== 0 && !isFloat(input.type.elemType);
  if (!zeroPoint && !isCode) return input;
  const codes = b.cast(input, DataType.FLOAT);
  return zeroPoint ? b.op('Sub', [codes, b.cast(zeroPoint, DataType.FLOAT)]) : codes;
}
