import type { InspectedTensor } from '../app/inspect.js';
import { RunError, UserError } from '../errors.js';
import { encodeOverlay } from '../probe/overlay.js';
import { pruneUnused } from '../probe/prune-unused.js';
import { addWeightsAsInputs } from '../probe/weights-as-inputs.js';
import { openSession } from '../runtime/session.js';
import type { SelectedModel } from './load.js';

/**
 * Types and shapes of tensors that the file does not declare, as ONNX Runtime infers them. Large weights become inputs
 * of the graph, so that none is read. Without an answer (an operator ONNX Runtime lacks) the map is empty.
 */
export async function inferShapes(
  { model, folder, name }: SelectedModel,
  tensors: string[],
): Promise<Map<string, InspectedTensor>> {
  const wanted = new Set(tensors);
  const { graph } = model;
  graph.setOutputs([]);
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output && wanted.has(output.name)) graph.addOutput(output);
  }
  pruneUnused(graph);
  addWeightsAsInputs(graph);
  try {
    const session = await openSession({
      model: encodeOverlay(model, folder),
      folder,
      name,
      device: 'cpu',
      threads: 1,
      optimization: 'disabled',
    });
    await session.dispose();
    return new Map(session.outputs.map((output) => [output.name, output]));
  } catch (error) {
    if (error instanceof UserError || error instanceof RunError) return new Map();
    throw error;
  }
}
