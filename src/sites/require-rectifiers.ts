import { UserError } from '../errors.js';
import type { RectifierNetwork, RectifierResult } from './rectifier.js';

/**
 * Returns the rectifier network that a model is, for commands that are about such networks alone.
 *
 * @throws UserError that says why the model is none.
 */
export function requireRectifiers(result: RectifierResult, modelName: string): RectifierNetwork {
  if (result.network) return result.network;
  throw new UserError(
    `Expected a rectifier network: layers in one line, each followed by ReLU, as in an MLP or a plain CNN; ` +
      `\`${modelName}\` is none: ${result.reason}.`,
    'not-a-rectifier-network',
  );
}
