import { intAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { DataType } from '../onnx/data-types.js';
import { pruneUnused } from './prune-unused.js';

/** Where a quality overlay takes what should be predicted, and where its numbers come out; rows = all but the last axis. */
export interface QualityHead {
  /** Input [rows, 1], int64: the class or token to predict for every row. */
  targets: string;
  /** Output [rows, 1], float32: −log softmax(logits)[target], in nats. */
  loss: string;
  /** Output [rows, 1], bool: whether the target has the largest logit. */
  correct: string;
}

/** How the names of the added nodes begin. */
export const QUALITY_NODES = 'audit/quality/';

/** GatherElements came with this opset. */
export const QUALITY_OPSET = 11;

/**
 * Replaces a model's outputs by the loss of every row: log-softmax and gather in the graph, so that the logits
 * [rows, classes] never leave the device. Which rows count is for the caller to say. The model is changed.
 */
export function addQualityHead(model: Model, logits: Value): QualityHead {
  const { graph } = model;
  const b = new Builder(graph, model.opsets.get('') ?? 1, QUALITY_NODES);
  const targets = graph.addInput(`${QUALITY_NODES}targets`, {
    elemType: DataType.INT64,
    shape: ['audit_rows', 1],
  });
  const flat = b.op('Flatten', [logits], { axis: intAttribute(-1) });
  const rows = logits.type?.elemType === DataType.FLOAT ? flat : b.cast(flat, DataType.FLOAT);
  const axis = { axis: intAttribute(1) };
  const logProbabilities = b.op('LogSoftmax', [rows], axis);
  const loss = b.op('Neg', [b.op('GatherElements', [logProbabilities, targets], axis)]);
  const correct = b.op('Equal', [b.op('ArgMax', [rows], { ...axis, keepdims: intAttribute(1) }), targets]);
  graph.setOutputs([loss, correct]);
  pruneUnused(graph);
  return { targets: targets.name, loss: loss.name, correct: correct.name };
}
