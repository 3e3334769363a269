import { normalStream } from '../data/arrays/normal-stream.js';
import type { NdArray } from '../onnx/array.js';
import { openSession } from '../runtime/session.js';
import type { Session } from '../runtime/types.js';
import { NETWORKS, type RandomNetworks, randomNetworks } from './random-networks.js';

/** Random networks to be measured: weights N(0, 2/fanIn), data N(0, I). */
export interface SimulationOptions {
  width: number;
  depth: number;
  networks: number;
  points: number;
  seed: number;
  scheme?: RandomNetworks['scheme'];
  /** Biases N(0, 2/fanIn) too; otherwise none. */
  bias?: boolean;
  spread?: boolean;
  /** Feature maps are `width`; images are side × side. */
  convolution?: { kernel: number; side: number } | null;
  threads?: number;
  signal?: AbortSignal | undefined;
  /** Told after every run with the networks that are through with all their layers. */
  onProgress?: ((networksDone: number) => void) | undefined;
}

/** Index d of each list is depth d + 1. */
export interface Simulation {
  networks: number;
  points: number;
  /** Networks in which some point is alive. */
  living: number[];
  /** Share of the points alive, mean over networks. */
  aliveShare: number[];
  /** The same of the network with the fewest. */
  leastAliveShare: number[];
  /** Mean over living networks of ‖σ‖²/‖λ‖²; `null` where none lives, or it was not asked for. */
  spread: (number | null)[];
  /** The median of the same: partly dead networks have a huge spread. */
  medianSpread: (number | null)[];
  /** Version of ONNX Runtime. */
  onnxruntime: string;
}

/** Layers in one run of the graph. */
const LAYERS = 32;
/** Numbers in the state of one run [r, units, points]: what stays in a processor's cache. */
const STATE_NUMBERS = 1 << 20;

/** Runs simulations one after another; the graph of dense layers is opened once for all widths. */
export interface Simulator {
  simulate(options: SimulationOptions): Promise<Simulation>;
  dispose(): Promise<void>;
}

export function openSimulator(): Simulator {
  const sessions = new Map<string, Promise<Session>>();
  const sessionFor = (
    graph: RandomNetworks,
    { threads = 0, signal }: SimulationOptions,
  ): Promise<Session> => {
    const key = JSON.stringify(graph);
    const known = sessions.get(key);
    if (known) return known;
    const session = openSession(
      { model: randomNetworks(graph), folder: process.cwd(), device: 'cpu', threads, name: 'the simulation' },
      signal ? { signal } : {},
    );
    sessions.set(key, session);
    return session;
  };
  return {
    async simulate(options) {
      const batch = batchOf(options);
      const session = await sessionFor(graphOf(options, batch), options);
      return simulateWith(session, options, batch);
    },
    async dispose() {
      for (const session of sessions.values()) await (await session.catch(() => null))?.dispose();
    },
  };
}

/** Networks per run. */
function batchOf(options: SimulationOptions): number {
  const fit = Math.floor(STATE_NUMBERS / (unitsOf(options) * options.points));
  return Math.max(1, Math.min(options.networks, fit));
}

function graphOf(options: SimulationOptions, networks: number): RandomNetworks {
  const { scheme = 'iid', bias = false, spread = false, convolution, width, depth } = options;
  return {
    layers: Math.min(LAYERS, depth),
    scheme,
    bias,
    spread,
    convolution: convolution ? { ...convolution, maps: width, networks } : null,
  };
}

function unitsOf({ width, convolution }: SimulationOptions): number {
  return convolution ? width * convolution.side ** 2 : width;
}

async function simulateWith(
  session: Session,
  options: SimulationOptions,
  batch: number,
): Promise<Simulation> {
  const { networks, depth, points } = options;
  const zeros = () => new Array<number>(depth).fill(0);
  const totals = { living: zeros(), alive: zeros(), least: new Array<number>(depth).fill(points) };
  const spreads = Array.from({ length: depth }, (): number[] => []);
  const batches = Math.ceil(networks / batch);
  let next = 0;
  let done = 0;
  const record: Recorder = (layer, alive, ratio) => {
    if (alive > 0) totals.living[layer]!++;
    totals.alive[layer]! += alive;
    totals.least[layer] = Math.min(totals.least[layer]!, alive);
    if (alive > 0 && ratio !== null && Number.isFinite(ratio)) spreads[layer]!.push(ratio);
  };
  // Two at a time: the weights of one are drawn while the session runs the other.
  const work = async (): Promise<void> => {
    while (next < batches) {
      const index = next++;
      const count = Math.min(batch, networks - index * batch);
      await runBatch(session, options, { index, count, size: batch }, record);
      done += count;
      options.onProgress?.(done);
    }
  };
  await Promise.all([work(), work()]);
  return {
    networks,
    points,
    living: totals.living,
    aliveShare: totals.alive.map((alive) => alive / (networks * points)),
    leastAliveShare: totals.least.map((alive) => alive / points),
    spread: spreads.map(mean),
    medianSpread: spreads.map(median),
    onnxruntime: session.onnxruntime,
  };
}

type Recorder = (layer: number, alivePoints: number, spread: number | null) => void;

/** `count` networks through all layers; those that are dead are left out of the next run and recorded as such. */
async function runBatch(
  session: Session,
  options: SimulationOptions,
  { index, count, size }: { index: number; count: number; size: number },
  record: Recorder,
): Promise<void> {
  const { width, depth, points, bias = false, spread = false, convolution } = options;
  const units = unitsOf(options);
  const layers = Math.min(LAYERS, depth);
  const fanIn = convolution ? width * convolution.kernel ** 2 : width;
  const normal = normalStream(options.seed + 1_000_003 * width + 7919 * (index + 1));
  const deviation = Math.sqrt(2 / fanIn);
  // A grouped convolution is made for `size` networks: it is given that many, and the surplus is not counted.
  let running = convolution ? size : count;
  let state = repeated(dataOf(options, units), running);
  let alive = new Uint8Array(running * points).fill(1);
  for (let from = 0; from < depth; from += layers) {
    const weights = new Float32Array(layers * running * width * fanIn);
    normal(weights, deviation);
    const feeds: Record<string, NdArray> = {
      [NETWORKS.state]: { type: 'float32', dims: [running, units, points], data: state },
      [NETWORKS.alive]: { type: 'bool', dims: [running, 1, points], data: alive },
      [NETWORKS.weights]: { type: 'float32', dims: [layers, running, width, fanIn], data: weights },
    };
    if (bias) {
      const data = new Float32Array(layers * running * width);
      normal(data, deviation);
      feeds[NETWORKS.bias] = { type: 'float32', dims: [layers, running, width, 1], data };
    }
    const last = from + layers >= depth;
    const fetch = [
      NETWORKS.counts,
      ...(spread ? [NETWORKS.spread] : []),
      ...(last ? [] : [NETWORKS.nextState, NETWORKS.nextAlive]),
    ];
    const result = await session.run({ feeds, fetch });
    const counts = result[NETWORKS.counts]!.data as Float32Array;
    const ratios = spread ? (result[NETWORKS.spread]!.data as Float32Array) : null;
    const counted = convolution ? count : running;
    for (let network = 0; network < counted; network++) {
      for (let layer = 0; layer < Math.min(layers, depth - from); layer++) {
        const at = network * layers + layer;
        record(from + layer, counts[at]!, ratios ? ratios[at]! : null);
      }
    }
    if (last) return;
    const [nextState, nextAlive] = [result[NETWORKS.nextState]!, result[NETWORKS.nextAlive]!];
    const living = Array.from({ length: running }, (_, network) => network).filter(
      (network) => convolution || counts[network * layers + layers - 1]! > 0,
    );
    if (!convolution)
      for (let d = from + layers; d < depth; d++) recordDead(record, d, running - living.length);
    running = living.length;
    if (running === 0) return;
    state = kept(nextState.data as Float32Array, living, units * points);
    alive = kept(nextAlive.data as Uint8Array, living, points) as Uint8Array<ArrayBuffer>;
  }
}

function recordDead(record: Recorder, layer: number, networks: number): void {
  for (let i = 0; i < networks; i++) record(layer, 0, null);
}

/** The points, the same for every network of a simulation; [units, points]. */
function dataOf({ seed, points }: SimulationOptions, units: number): Float32Array {
  const data = new Float32Array(units * points);
  normalStream(seed)(data, 1);
  return data;
}

function repeated(values: Float32Array, times: number): Float32Array {
  const result = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) result.set(values, i * values.length);
  return result;
}

function mean(values: number[]): number | null {
  // Sorted: the order in which runs end must not show in the last bits.
  return values.length === 0 ? null : values.sort(byValue).reduce((a, b) => a + b, 0) / values.length;
}

function median(values: number[]): number | null {
  const sorted = values.toSorted(byValue);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return null;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

const byValue = (a: number, b: number): number => a - b;

/** Rows of `length` numbers, those of `rows` only. */
function kept<T extends Float32Array | Uint8Array>(values: T, rows: number[], length: number): T {
  if (rows.length * length === values.length) return values;
  const result = values.slice(0, rows.length * length) as T;
  for (const [i, row] of rows.entries()) {
    result.set(values.subarray(row * length, (row + 1) * length), i * length);
  }
  return result;
}
