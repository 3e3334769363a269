import { openAuditedFile } from '../measure/audited-model.js';
import { modelName } from '../measure/describe-model.js';
import { requireRectifiers } from '../sites/require-rectifiers.js';
import type { Site } from '../sites/types.js';
import type { LayerShape } from './formulas.js';

/** The rectifier layers of a model, first to last. */
export interface ModelLayers {
  name: string;
  path: string;
  layers: ModelLayer[];
}

interface ModelLayer extends LayerShape {
  /** Site id of the layer's output. */
  id: string;
  bias: boolean;
  /** Side of its square kernels; `null` for a dense layer. */
  kernel: number | null;
}

/**
 * Reads the sizes of a model's rectifier layers; no weight is read.
 *
 * @throws UserError for a model that is no rectifier network.
 */
export async function modelLayers(path: string, plugin?: string[]): Promise<ModelLayers> {
  const { opened, original } = await openAuditedFile({ model: path, ...(plugin && { plugin }) });
  const { rectifier, name } = original;
  const layers = requireRectifiers(rectifier, name).layers.map(({ post }) => layerOf(post));
  return { name: modelName(opened.path), path: opened.path, layers };
}

function layerOf({ id, neurons, weights }: Site): ModelLayer {
  const incoming = weights.filter(({ role }) => role === 'in');
  const first = incoming[0];
  const width = neurons ?? 0;
  const bias = incoming.some((ref) => ref.bias !== null);
  const fanIn = incoming.reduce((sum, ref) => sum + (ref.fanIn ?? 0), 0);
  const shape = first?.value.type?.shape ?? [];
  const kernel = first?.layer.node.opType.includes('Conv') ? Number(shape.at(-1)) || null : null;
  return { id, neurons: width, parameters: width * (fanIn + (bias ? 1 : 0)), bias, kernel };
}
