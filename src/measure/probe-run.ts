import type { Batch, DataGraph } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import { storedGraph } from '../patterns/stored-graph.js';
import { auditOverlay, type Overlay } from '../probe/overlay.js';
import type { ProbeOptions, TensorProbe } from '../probe/probe.js';
import type { Session } from '../runtime/types.js';
import { livingPointsByLayer } from '../stats/living-points.js';
import type { Counters } from '../stats/types.js';
import { type HistogramRange, histogramRange } from '../stats/value-histogram.js';
import type { AuditedModel } from './audited-model.js';
import { feedsFor, openEncodedSession, positionMask } from './overlay-session.js';
import { readCounters } from './read-counters.js';
import { readSmoothing, type SiteSmoothing, smoothingFeeds, smoothingOutputs } from './smoothing.js';
import type { SessionSettings } from './subject-types.js';

/** Runs batches through the probes of a model. */
export interface ProbeRun {
  /**
   * Runs the batch that fixes the ranges of the histograms: those of the sites, then of the watched tensors.
   */
  findRange(batch: Batch): Promise<HistogramRange[]>;
  /** Returns the counters of one batch: those of the sites, then of the watched tensors. */
  run(batch: Batch, ranges: HistogramRange[]): Promise<Counters[]>;
  /** Smoothness of the last batch's embeddings on the graph; empty when there is no graph. */
  readonly smoothing: SiteSmoothing[];
  /** The running session: its provider, version and memory. */
  readonly session: Session;
  readonly overlay: Overlay;
  dispose(): Promise<void>;
}

export interface ProbeRunOptions
  extends Pick<ProbeOptions, 'criterion' | 'masked'>,
    Pick<SessionSettings, 'session'> {
  signal?: AbortSignal;
  /** The graph whose nodes are the positions of the batches. */
  graph?: DataGraph | undefined;
  /** Number of edges from which on they are streamed ({@link STREAMED_PAIRS}). */
  streamFrom?: number | undefined;
}

/**
 * Opens a session over the audit overlay of a model. A batch in which some value is not finite is run again
 * by a second overlay, which counts such values and leaves them out. The second overlay is opened when it is
 * first needed.
 *
 * @param copy Returns a fresh copy of the model: it is changed.
 */
export async function openProbeRun(copy: () => AuditedModel, options: ProbeRunOptions): Promise<ProbeRun> {
  const plain = await openOverlay(copy(), options, false);
  let careful: Promise<Opened> | null = null;
  let smoothing: SiteSmoothing[] = [];

  const countersOf = async (batch: Batch, ranges: HistogramRange[], bins: boolean): Promise<Counters[]> => {
    const result = await runOverlay(plain, batch, ranges, bins);
    smoothing = result.smoothing;
    if (result.counters.every(allFinite)) return result.counters;
    careful ??= openOverlay(copy(), { ...options, graph: undefined }, true);
    return (await runOverlay(await careful, batch, ranges, bins)).counters;
  };
  return {
    async findRange(batch) {
      const anywhere = points(plain.overlay).map(() => ({ scale: 1, zeroPoint: 128 }));
      const counters = await countersOf(batch, anywhere, false);
      return counters.map(({ min, max }) => histogramRange(least(min), -least(max.map((value) => -value))));
    },
    run: (batch, ranges) => countersOf(batch, ranges, true),
    get smoothing() {
      return smoothing;
    },
    session: plain.session,
    overlay: plain.overlay,
    async dispose() {
      await plain.session.dispose();
      await (await careful)?.session.dispose();
    },
  };
}

/**
 * Number of edges from which on they are streamed: below it, chunks only cost time. Stored edges always are.
 */
const STREAMED_PAIRS = 2 ** 20;

interface Opened {
  overlay: Overlay;
  session: Session;
  graph: DataGraph | null;
}

const points = ({ probes }: Overlay): TensorProbe[] => [...probes.sites, ...probes.watched];

async function openOverlay(copy: AuditedModel, options: ProbeRunOptions, careful: boolean): Promise<Opened> {
  const { criterion, masked, graph } = options;
  const rectifier = copy.rectifier.network;
  const stored = graph === 'stored' ? storedGraph(copy.model.graph) : null;
  const fed = graph === 'stored' ? null : graph;
  const smoothing = graph && { edges: stored ?? fed?.input ?? null, sites: copy.allSites };
  const streamEdges =
    stored?.kind === 'edges' || (fed?.pairs.dims[1] ?? 0) > (options.streamFrom ?? STREAMED_PAIRS);
  const { watched } = copy;
  const probing = { criterion, masked, countNonFinite: careful, rectifier, smoothing, streamEdges, watched };
  const overlay = auditOverlay(copy.model, copy.sites, copy.folder, probing);
  const session = await openEncodedSession(overlay.bytes, copy, options);
  return { overlay, session, graph: graph ?? null };
}

async function runOverlay(
  { overlay, session, graph }: Opened,
  batch: Batch,
  ranges: HistogramRange[],
  bins: boolean,
): Promise<{ counters: Counters[]; smoothing: SiteSmoothing[] }> {
  const { sites, smoothing } = overlay.probes;
  const all = points(overlay);
  const smoothed = smoothing && graph && { smoothing, graph };
  const sums = smoothed && bins ? smoothingOutputs(smoothed.smoothing) : [];
  const results = await session.run({
    feeds: {
      ...feedsOf(overlay, batch, ranges),
      ...(smoothed && smoothingFeeds(smoothed.smoothing, smoothed.graph, bins)),
    },
    fetch: [
      ...all.map((point) => point.counters),
      ...overlay.livingPoints.map(({ output }) => output),
      ...sums,
    ],
    count: bins ? all.map((point) => point.bins) : [],
  });
  const counters = all.map((point, i) => readCounters(point, results, batch, bins ? ranges[i]! : null));
  const positive = overlay.livingPoints.map(({ output }) => results[output]!.data as Uint8Array);
  const living = livingPointsByLayer(positive, batch.mask && (batch.mask.data as Uint8Array));
  for (const [layer, { site: post }] of overlay.livingPoints.entries()) {
    const at = sites.findIndex(({ site }) => site.site === 'mlp_post' && site.value === post.value);
    if (living && at >= 0) counters[at]!.livingPoints = living[layer]!;
  }
  return {
    counters,
    smoothing: smoothed && bins ? readSmoothing(smoothed.smoothing, results) : [],
  };
}

function feedsOf(overlay: Overlay, batch: Batch, ranges: HistogramRange[]): Record<string, NdArray> {
  const feeds = feedsFor(overlay.inputs, batch.feeds);
  const { mask } = overlay.probes;
  if (mask) feeds[mask] = positionMask(batch);
  for (const [i, { scale, zeroPoint }] of points(overlay).entries()) {
    feeds[scale] = { type: 'float32', dims: [], data: new Float32Array([ranges[i]!.scale]) };
    feeds[zeroPoint] = { type: 'uint8', dims: [], data: new Uint8Array([ranges[i]!.zeroPoint]) };
  }
  return feeds;
}

const allFinite = ({ sumSquares }: Counters): boolean => sumSquares.every((value) => Number.isFinite(value));

/** Returns the smallest finite number, or NaN when there is none. */
function least(values: Float32Array): number {
  let found = Number.NaN;
  for (const value of values) if (Number.isFinite(value) && !(value >= found)) found = value;
  return found;
}
