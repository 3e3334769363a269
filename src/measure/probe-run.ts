import type { Batch, DataGraph } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import { storedGraph } from '../patterns/stored-graph.js';
import { auditOverlay, type Overlay } from '../probe/overlay.js';
import type { ProbeOptions, SiteProbe } from '../probe/probe.js';
import { openSession } from '../runtime/session.js';
import type { Session, SessionOptions } from '../runtime/types.js';
import { livingPointsByLayer } from '../stats/living-points.js';
import type { Counters, ValueHistogram } from '../stats/types.js';
import { HISTOGRAM_BINS, histogramRange } from '../stats/value-histogram.js';
import type { SelectedModel } from './load.js';
import { readSmoothing, type SiteSmoothing, smoothingFeeds, smoothingOutputs } from './smoothing.js';

export type Range = Pick<ValueHistogram, 'scale' | 'zeroPoint'>;

/** Runs batches through the probes of a model. */
export interface ProbeRun {
  /** Runs the batch that fixes the histograms' range: afterwards `run` may be called. */
  findRange(batch: Batch): Promise<Range[]>;
  /** Counters of one batch, a site each, in the order of the sites. */
  run(batch: Batch, ranges: Range[]): Promise<Counters[]>;
  /** How smooth the last batch's embeddings are on the graph; empty when there is no graph. */
  readonly smoothing: SiteSmoothing[];
  /** The running session: its provider, version and memory. */
  readonly session: Session;
  readonly overlay: Overlay;
  dispose(): Promise<void>;
}

export interface ProbeRunOptions extends Pick<ProbeOptions, 'criterion' | 'masked'> {
  session: Pick<SessionOptions, 'device' | 'threads'>;
  signal?: AbortSignal | undefined;
  /** The graph that the batches' positions are the nodes of. */
  graph?: DataGraph | undefined;
  /** From this many edges on they are streamed ({@link STREAMED_PAIRS}). */
  streamFrom?: number | undefined;
}

/**
 * Opens a session over the audit overlay of a model. A batch in which some value is not finite is run again by a
 * second overlay that counts such values and leaves them out; it is opened when first needed.
 */
export async function openProbeRun(load: () => SelectedModel, options: ProbeRunOptions): Promise<ProbeRun> {
  const plain = await openOverlay(load(), options, false);
  let careful: Promise<Opened> | null = null;
  let smoothing: SiteSmoothing[] = [];

  const countersOf = async (batch: Batch, ranges: Range[], bins: boolean): Promise<Counters[]> => {
    const result = await runOverlay(plain, batch, ranges, bins);
    smoothing = result.smoothing;
    if (result.counters.every(allFinite)) return result.counters;
    careful ??= openOverlay(load(), { ...options, graph: undefined }, true);
    return (await runOverlay(await careful, batch, ranges, bins)).counters;
  };
  return {
    async findRange(batch) {
      const anywhere = plain.overlay.probes.sites.map(() => ({ scale: 1, zeroPoint: 128 }));
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

/** From this many edges on they are streamed: below, chunks only cost time. Edges that a model stores always are. */
const STREAMED_PAIRS = 2 ** 20;

interface Opened {
  overlay: Overlay;
  session: Session;
  graph: DataGraph | null;
}

async function openOverlay(
  selected: SelectedModel,
  options: ProbeRunOptions,
  careful: boolean,
): Promise<Opened> {
  const { criterion, masked, graph } = options;
  const { folder, name } = selected;
  const rectifier = selected.rectifier.network;
  const stored = graph === 'stored' ? storedGraph(selected.model.graph) : null;
  const fed = graph === 'stored' ? null : graph;
  const smoothing = graph && { edges: stored ?? fed?.input ?? null, sites: selected.all };
  const streamed =
    stored?.kind === 'edges' || (fed?.pairs.dims[1] ?? 0) > (options.streamFrom ?? STREAMED_PAIRS);
  const probing = { criterion, masked, countNonFinite: careful, rectifier, smoothing, streamEdges: streamed };
  const overlay = auditOverlay(selected.model, selected.sites, folder, probing);
  const session = await openSession(
    { ...options.session, model: overlay.bytes, folder, name },
    options.signal ? { signal: options.signal } : {},
  );
  return { overlay, session, graph: graph ?? null };
}

async function runOverlay(
  { overlay, session, graph }: Opened,
  batch: Batch,
  ranges: Range[],
  bins: boolean,
): Promise<{ counters: Counters[]; smoothing: SiteSmoothing[] }> {
  const { sites, smoothing } = overlay.probes;
  const smoothed = smoothing && graph && { smoothing, graph };
  const sums = smoothed && bins ? smoothingOutputs(smoothed.smoothing) : [];
  const results = await session.run({
    feeds: {
      ...feedsOf(overlay, batch, ranges),
      ...(smoothed && smoothingFeeds(smoothed.smoothing, smoothed.graph, bins)),
    },
    fetch: [
      ...sites.map((site) => site.counters),
      ...overlay.livingPoints.map(({ output }) => output),
      ...sums,
    ],
    count: bins ? sites.map((site) => site.bins) : [],
  });
  const counters = sites.map((site, i) => readCounters(site, results, batch, bins ? ranges[i]! : null));
  const positive = overlay.livingPoints.map(({ output }) => results[output]!.data as Uint8Array);
  const lives = livingPointsByLayer(positive, batch.mask && (batch.mask.data as Uint8Array));
  for (const [layer, { site: post }] of overlay.livingPoints.entries()) {
    const at = sites.findIndex(({ site }) => site.site === 'mlp_post' && site.value === post.value);
    if (lives && at >= 0) counters[at]!.livingPoints = lives[layer]!;
  }
  return {
    counters,
    smoothing: smoothed && bins ? readSmoothing(smoothed.smoothing, results) : [],
  };
}

function feedsOf({ probes, inputs }: Overlay, batch: Batch, ranges: Range[]): Record<string, NdArray> {
  const feeds: Record<string, NdArray> = {};
  for (const name of inputs) if (batch.feeds[name]) feeds[name] = batch.feeds[name];
  if (probes.mask) feeds[probes.mask] = positionMask(batch);
  for (const [i, { scale, zeroPoint }] of probes.sites.entries()) {
    feeds[scale] = { type: 'float32', dims: [], data: new Float32Array([ranges[i]!.scale]) };
    feeds[zeroPoint] = { type: 'uint8', dims: [], data: new Uint8Array([ranges[i]!.zeroPoint]) };
  }
  return feeds;
}

/** The batch's mask as bool [positions, padding included]. */
function positionMask({ mask, positions }: Batch): NdArray {
  const data = mask
    ? Uint8Array.from(mask.data as Uint8Array, (kept) => (kept ? 1 : 0))
    : new Uint8Array(positions).fill(1);
  return { type: 'bool', dims: [data.length], data };
}

/** Reads one site's outputs: `counters` [rows, neurons] and, if `range` is given, the counts of its bins. */
function readCounters(
  probe: SiteProbe,
  results: Record<string, NdArray>,
  batch: Batch,
  range: Range | null,
): Counters {
  const table = results[probe.counters]!;
  const neurons = table.dims[1]!;
  const row = (name: (typeof probe.counterNames)[number]): Float32Array => {
    const index = probe.counterNames.indexOf(name);
    const data = table.data as Float32Array;
    return index < 0 ? new Float32Array(neurons) : data.slice(index * neurons, (index + 1) * neurons);
  };
  const wide = (name: (typeof probe.counterNames)[number]): Float64Array => Float64Array.from(row(name));
  const nonFinite = wide('nonFinite');
  const counters: Counters = {
    positions: batch.positions,
    fired: wide('fired'),
    positive: wide('positive'),
    saturated: wide('saturated'),
    nonFinite,
    sum: wide('sum'),
    sumAbs: wide('sumAbs'),
    sumSquares: wide('sumSquares'),
    min: row('min'),
    max: row('max'),
    histogram: null,
  };
  if (!range) return counters;
  const counts = Float64Array.from(results[probe.bins]!.data as Float64Array);
  const rows = counts.reduce((sum, n) => sum + n, 0) / neurons;
  // A convolution has more positions than the batch has records; nothing is masked there.
  if (!batch.mask) counters.positions = rows;
  const leftOut = (rows - counters.positions) * neurons + nonFinite.reduce((sum, n) => sum + n, 0);
  counts[range.zeroPoint]! -= leftOut;
  if (counts.length !== HISTOGRAM_BINS)
    throw new Error(`expected ${HISTOGRAM_BINS} counts, found ${counts.length}`);
  counters.histogram = { ...range, counts };
  return counters;
}

const allFinite = ({ sumSquares }: Counters): boolean => sumSquares.every((value) => Number.isFinite(value));

/** Smallest finite number, or NaN when there is none. */
function least(values: Float32Array): number {
  let found = Number.NaN;
  for (const value of values) if (Number.isFinite(value) && !(value >= found)) found = value;
  return found;
}
