import { intAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { DataType } from '../onnx/data-types.js';
import { pruneUnused } from './prune-unused.js';
import { siteRows } from './site-rows.js';

/** Names of a quality overlay's input and outputs; rows are all axes of the logits but the last. */
export interface QualityHead {
  /** Input [rows, 1], int64: the class or token to predict for every row. */
  targets: string;
  /** Output [rows, 1], float32: −log softmax(logits)[target], in nats. */
  loss: string;
  /** Output [rows, 1], bool: true if the target has the largest logit. */
  correct: string;
}

/** Start of the names of the added nodes. */
export const QUALITY_NODES = 'audit/quality/';

/** Opset that GatherElements came with: older models get no quality head. */
export const QUALITY_OPSET = 11;

/**
 * Replaces a model's outputs by the loss of every row: log-softmax and gather in the graph, so that the
 * logits [rows, classes] never leave the device. The caller says which rows count. The model is changed.
 */
export function addQualityHead(model: Model, logits: Value): QualityHead {
  const { graph } = model;
  const b = Builder.of(model, QUALITY_NODES);
  const targets = graph.addInput(`${QUALITY_NODES}targets`, {
    elemType: DataType.INT64,
    shape: ['audit_rows', 1],
  });
  const rows = siteRows(b, { value: logits, plus: null, axis: -1, neurons: null });
  const axis = { axis: intAttribute(1) };
  const logProbabilities = b.op('LogSoftmax', [rows], axis);
  const loss = b.op('Neg', [b.op('GatherElements', [logProbabilities, targets], axis)]);
  const correct = b.op('Equal', [b.op('ArgMax', [rows], { ...axis, keepdims: intAttribute(1) }), targets]);
  graph.setOutputs([loss, correct]);
  pruneUnused(graph);
  return { targets: targets.name, loss: loss.name, correct: correct.name };
}
