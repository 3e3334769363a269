import { relative } from 'node:path';
import type { Model } from '../graph/model.js';
import { toOnnx } from '../graph/to-onnx.js';
import { encodeModel } from '../onnx/encode.js';
import type { RectifierNetwork } from '../sites/rectifier.js';
import type { Site } from '../sites/types.js';
import { addLivingPointsProbes, type LivingPointsProbe } from './living-points.js';
import { orderOutputs } from './output-order.js';
import { addProbes, type ProbeOptions, type Probes } from './probe.js';
import { pruneUnused } from './prune-unused.js';
import { streamEdges } from './stream-edges.js';

export interface Overlay {
  /** The model without large weights: they are external data in `folder`. */
  bytes: Uint8Array;
  probes: Probes;
  /** One probe for each layer of a rectifier network, in order; empty for other models. */
  livingPoints: LivingPointsProbe[];
  /** Names of the original model's inputs that the overlay still reads. */
  inputs: string[];
  /** Number of nodes of the original graph that no probe depends on. */
  removedNodes: number;
}

export interface OverlayOptions extends ProbeOptions {
  /**
   * The model as a rectifier network, if it is one: the overlay then also says which data points are alive.
   */
  rectifier?: RectifierNetwork | null;
  /** Sums messages over edges in chunks: see `streamEdges`. */
  streamEdges?: boolean;
}

/**
 * Turns a model into its audit overlay: adds probes at the sites, drops what they do not need. The model is
 * changed.
 *
 * @param folder Folder that holds the model's files: references into them are relative to it.
 */
export function auditOverlay(model: Model, sites: Site[], folder: string, options: OverlayOptions): Overlay {
  const before = new Set(model.graph.inputs.map((input) => input.name));
  const trunk = new Set(model.graph.nodes);
  const probes = addProbes(model, sites, options);
  const livingPoints = options.rectifier ? addLivingPointsProbes(model, options.rectifier, sites) : [];
  if (options.streamEdges) streamEdges(model);
  const { removedNodes } = options.keepOutputs ? { removedNodes: 0 } : pruneUnused(model.graph);
  orderOutputs(model.graph, trunk);
  const inputs = model.graph.inputs.map((input) => input.name).filter((name) => before.has(name));
  return { bytes: encodeOverlay(model, folder), probes, livingPoints, inputs, removedNodes };
}

/** Encodes a model whose large weights stay where they are on disk, as external data relative to `folder`. */
export function encodeOverlay(model: Model, folder: string): Uint8Array {
  return encodeModel(toOnnx(model, { externalise: (span) => ({ location: relative(folder, span.file) }) }));
}
