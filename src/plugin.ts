/**
 * All that an architecture plugin may import, built in or third party.
 *
 * A plugin decorates: the generic patterns find activation functions and attention anywhere. It names the
 * architecture, may number layers differently, and may reserve positions.
 */
export type { Graph, Node, Value } from './graph/graph.js';
export type { Model } from './graph/model.js';
export { arrange, type LayerId, type Sublayer } from './sites/layers.js';

import type { Model } from './graph/model.js';
import type { LayerId, Sublayer } from './sites/layers.js';

export interface Plugin {
  /** The architecture's name in reports, e.g. `gpt2`. */
  name: string;
  /**
   * Returns true if the model is of this family. The first that does is used; third parties' plugins come
   * first.
   */
  matches(model: Model): boolean;
  /** Returns the layer numbers of the units in execution order. Default: the exported `arrange`. */
  arrange?(units: readonly Sublayer[]): LayerId[];
  /** Subtracted from the rows of the position table to get the longest sequence (OPT and RoBERTa keep 2). */
  reservedPositions?: number;
}

/**
 * Returns true if an initializer's or node's name matches: exporters keep module paths there. For decoration
 * only.
 */
export function hasName(model: Model, pattern: RegExp): boolean {
  const { initializers, nodes } = model.graph;
  return (
    initializers.some((value) => pattern.test(value.name)) ||
    [...nodes].some((node) => pattern.test(node.name))
  );
}
