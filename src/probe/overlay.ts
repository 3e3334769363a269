import { relative } from 'node:path';
import type { Model } from '../graph/model.js';
import { toOnnx } from '../graph/to-onnx.js';
import { encodeModel } from '../onnx/encode.js';
import type { RectifierNetwork } from '../sites/rectifier.js';
import type { Site } from '../sites/types.js';
import { addLivingPointsProbes, type LivingPointsProbe } from './living-points.js';
import { addProbes, type ProbeOptions, type Probes } from './probe.js';
import { pruneUnused } from './prune-unused.js';
import { streamEdges } from './stream-edges.js';

export interface Overlay {
  /** The model without large weights: they are external data in `folder`. */
  bytes: Uint8Array;
  probes: Probes;
  /** Of a rectifier network: a layer each, in order. */
  livingPoints: LivingPointsProbe[];
  /** Inputs of the original model that the overlay still reads. */
  inputs: string[];
  /** Nodes of the original graph that no probe depends on. */
  removedNodes: number;
}

export interface OverlayOptions extends ProbeOptions {
  /** What the model is as a rectifier network: then the overlay also says which data points are alive. */
  rectifier?: RectifierNetwork | null;
  /** Sum messages over edges in chunks: see `streamEdges`. */
  streamEdges?: boolean;
}

/**
 * Turns a model into its audit overlay: probes at the sites, without what they don't need. The model is changed.
 *
 * @param folder The folder that holds the model's files: references into them are relative to it.
 */
export function auditOverlay(model: Model, sites: Site[], folder: string, options: OverlayOptions): Overlay {
  const before = new Set(model.graph.inputs.map((input) => input.name));
  const probes = addProbes(model, sites, options);
  const livingPoints = options.rectifier ? addLivingPointsProbes(model, options.rectifier, sites) : [];
  if (options.streamEdges) streamEdges(model.graph, model.opsets.get('') ?? 1);
  const { removedNodes } = options.keepOutputs ? { removedNodes: 0 } : pruneUnused(model.graph);
  const inputs = model.graph.inputs.map((input) => input.name).filter((name) => before.has(name));
  return { bytes: encodeOverlay(model, folder), probes, livingPoints, inputs, removedNodes };
}

/** The bytes of a model whose large weights stay where they are on disk, as external data relative to `folder`. */
export function encodeOverlay(model: Model, folder: string): Uint8Array {
  return encodeModel(toOnnx(model, { externalise: (span) => ({ location: relative(folder, span.file) }) }));
}
