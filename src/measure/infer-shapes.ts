import { RunError, UserError } from '../errors.js';
import { pruneUnused } from '../probe/prune-unused.js';
import { addWeightsAsInputs } from '../probe/weights-as-inputs.js';
import type { TensorInfo } from '../runtime/types.js';
import type { AuditedModel } from './audited-model.js';
import { openOverlaySession } from './overlay-session.js';

/**
 * Returns the types and shapes that ONNX Runtime infers, by tensor name. Large weights become inputs of the
 * graph, so that none is read. Returns an empty map where ONNX Runtime gives no answer, e.g. for an operator
 * it lacks.
 *
 * @param copy It is changed.
 */
export async function inferShapes(copy: AuditedModel, tensors: string[]): Promise<Map<string, TensorInfo>> {
  const wanted = new Set(tensors);
  const { graph } = copy.model;
  graph.setOutputs([]);
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output && wanted.has(output.name)) graph.addOutput(output);
  }
  pruneUnused(graph);
  addWeightsAsInputs(graph);
  try {
    const settings = { session: { device: 'cpu', threads: 1 } as const };
    const session = await openOverlaySession(copy, settings, { optimization: 'disabled' });
    await session.dispose();
    return new Map(session.outputs.map((output) => [output.name, output]));
  } catch (error) {
    if (error instanceof UserError || error instanceof RunError) return new Map();
    throw error;
  }
}
