import { UserError } from '../errors.js';
import {
  convolutionParameters,
  denseParameters,
  livingBounds,
  oneMapParameters,
  uniformBounds,
  widthFor,
} from './formulas.js';
import { type ModelLayers, modelLayers } from './model-layers.js';
import type { BoundsReport } from './schema.js';

/** A network as the user describes it: a model, or numbers. */
export interface NetworkOptions {
  model?: string;
  plugin?: string[];
  /** Units of each layer; feature maps with `kernel`. */
  width?: number;
  depth?: number;
  /** Default true. */
  bias?: boolean;
  /** M of M × M kernels. */
  kernel?: number;
  /** With a depth and no width: the network has the width that keeps this probability. */
  probability?: number;
}

export interface BoundedNetwork {
  network: NonNullable<BoundsReport['network']>;
  bounds: NonNullable<BoundsReport['bounds']>;
}

/**
 * Bounds the network that the options describe; `null` when they describe none.
 *
 * @throws UserError for a model and numbers together, or a model that is no rectifier network.
 */
export async function boundNetwork(options: NetworkOptions): Promise<BoundedNetwork | null> {
  const { model, width, depth, kernel, plugin, probability, bias = true } = options;
  if (model !== undefined) {
    if (width !== undefined || depth !== undefined || kernel !== undefined) {
      throw new UserError(
        'Expected a model or `width`, `depth` and `kernel`, found both: a model has its own.',
        'option-conflict',
        { settings: ['width', 'depth', 'kernel'] },
      );
    }
    return boundModel(await modelLayers(model, plugin));
  }
  if (depth === undefined) return null;
  const chosen = width ?? (probability === undefined ? null : widthFor(depth, probability));
  return chosen === null ? null : boundEqualLayers({ width: chosen, depth, bias, kernel: kernel ?? null });
}

function boundModel({ name, path, layers }: ModelLayers): BoundedNetwork {
  const network = {
    model: { name, path },
    width: common(layers.map(({ neurons }) => neurons)),
    depth: layers.length,
    bias: common(layers.map(({ bias }) => bias)),
    kernel: common(layers.map(({ kernel }) => kernel)),
    layers: layers.map(({ id, neurons, parameters }) => ({ id, neurons, parameters })),
  };
  return { network, bounds: livingBounds(layers) };
}

/** Returns what all elements are, or `null`. */
function common<T>(list: readonly T[]): T | null {
  return list.every((element) => element === list[0]) ? list[0]! : null;
}

function boundEqualLayers(shape: {
  width: number;
  depth: number;
  bias: boolean;
  kernel: number | null;
}): BoundedNetwork {
  const { width: neurons, depth, bias, kernel } = shape;
  const network = { model: null, ...shape, layers: [] };
  if (kernel === null) {
    return { network, bounds: uniformBounds({ neurons, parameters: denseParameters(neurons, bias) }, depth) };
  }
  const parameters = convolutionParameters(neurons, kernel, bias);
  const oneMap = { neurons, parameters: oneMapParameters(neurons, kernel, bias) };
  return {
    network,
    bounds: {
      ...uniformBounds({ neurons, parameters }, depth),
      upperOneMap: uniformBounds(oneMap, depth).upper,
    },
  };
}
