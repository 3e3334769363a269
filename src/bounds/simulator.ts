import { normalStream } from '../data/arrays/normal-stream.js';
import type { NdArray } from '../onnx/array.js';
import { openSession } from '../runtime/session.js';
import type { Session } from '../runtime/types.js';
import { NETWORKS, type RandomNetworks, randomNetworks } from './random-networks.js';
import { type Simulation, type SimulationOptions, startTally, type Tally } from './simulation.js';

/** Layers in one run of the graph; deeper networks are run again from where they stand. */
const LAYERS = 32;

/** Numbers in the state of one run, [r, units, points]: 4 MiB stay in a processor's cache. */
const STATE_NUMBERS = 2 ** 20;

/** Numbers in the weights of one run, [LAYERS, r, n, fanIn]: 128 MiB, of which two runs are in flight. */
const WEIGHT_NUMBERS = 2 ** 25;

/** Runs simulations one after another. The graph of dense layers is opened once for all widths. */
export interface Simulator {
  simulate(options: SimulationOptions): Promise<Simulation>;
  dispose(): Promise<void>;
}

/** Opens a simulator; sessions start when they are first needed. */
export function openSimulator(): Simulator {
  const sessions = new Map<string, Promise<Session>>();
  const sessionFor = (graph: RandomNetworks, options: SimulationOptions): Promise<Session> => {
    const key = JSON.stringify(graph);
    const session = sessions.get(key) ?? openGraph(graph, options);
    sessions.set(key, session);
    return session;
  };
  return {
    async simulate(options) {
      const size = networksPerRun(options);
      const session = await sessionFor(graphOf(options, size), options);
      return { ...(await runAll(session, options, size)), onnxruntime: session.onnxruntime };
    },
    async dispose() {
      for (const session of sessions.values()) await (await session.catch(() => null))?.dispose();
    },
  };
}

function openGraph(graph: RandomNetworks, { threads = 0, signal }: SimulationOptions): Promise<Session> {
  return openSession(
    { model: randomNetworks(graph), folder: process.cwd(), device: 'cpu', threads, name: 'the simulation' },
    signal ? { signal } : {},
  );
}

function graphOf(options: SimulationOptions, networks: number): RandomNetworks {
  const { scheme = 'iid', bias = false, variance = false, convolution, width, depth } = options;
  return {
    layers: Math.min(LAYERS, depth),
    scheme,
    bias,
    variance,
    convolution: convolution ? { ...convolution, maps: width, networks } : null,
  };
}

/**
 * Returns how many networks one run takes: as many as the state's and the weights' numbers allow, at least
 * one.
 */
function networksPerRun(options: SimulationOptions): number {
  const byState = Math.floor(STATE_NUMBERS / (unitsOf(options) * options.points));
  const byWeights = Math.floor(WEIGHT_NUMBERS / (LAYERS * options.width * fanInOf(options)));
  return Math.max(1, Math.min(options.networks, byState, byWeights));
}

function unitsOf({ width, convolution }: SimulationOptions): number {
  return convolution ? width * convolution.side ** 2 : width;
}

function fanInOf({ width, convolution }: SimulationOptions): number {
  return convolution ? width * convolution.kernel ** 2 : width;
}

async function runAll(
  session: Session,
  options: SimulationOptions,
  size: number,
): Promise<ReturnType<Tally['finish']>> {
  const tally = startTally(options);
  const runs = Math.ceil(options.networks / size);
  let next = 0;
  // Two at a time: the weights of one are drawn while the session runs the other.
  const work = async (): Promise<void> => {
    while (next < runs) {
      const index = next++;
      const count = Math.min(size, options.networks - index * size);
      await runNetworks(session, options, { index, count, size }, tally);
    }
  };
  await Promise.all([work(), work()]);
  return tally.finish();
}

/**
 * Takes `count` networks through all layers. Dead ones are left out of the next run and counted as dead from
 * there.
 */
async function runNetworks(
  session: Session,
  options: SimulationOptions,
  { index, count, size }: { index: number; count: number; size: number },
  tally: Tally,
): Promise<void> {
  const { depth, points, variance = false, convolution } = options;
  const units = unitsOf(options);
  const layers = Math.min(LAYERS, depth);
  const draw = weightDrawer(options, layers, index);
  // A grouped convolution is built for `size` networks: it gets that many, and the surplus is not counted.
  let running = convolution ? size : count;
  let state = repeated(drawPoints(options, units), running);
  let alive = new Uint8Array(running * points).fill(1);
  for (let done = 0; done < depth; done += layers) {
    const isLast = done + layers >= depth;
    const feeds: Record<string, NdArray> = {
      [NETWORKS.state]: { type: 'float32', dims: [running, units, points], data: state },
      [NETWORKS.alive]: { type: 'bool', dims: [running, 1, points], data: alive },
      ...draw(running),
    };
    const fetch = [
      NETWORKS.counts,
      ...(variance ? [NETWORKS.variance] : []),
      ...(isLast ? [] : [NETWORKS.nextState, NETWORKS.nextAlive]),
    ];
    const result = await session.run({ feeds, fetch });
    const counts = result[NETWORKS.counts]!.data as Float32Array;
    const variances = variance ? (result[NETWORKS.variance]!.data as Float32Array) : null;
    for (let network = 0; network < (convolution ? count : running); network++) {
      for (let layer = 0; layer < Math.min(layers, depth - done); layer++) {
        const at = network * layers + layer;
        tally.add(done + layer, counts[at]!, variances ? variances[at]! : null);
      }
    }
    if (isLast) return;
    const living = Array.from({ length: running }, (_, network) => network).filter(
      (network) => convolution || counts[network * layers + layers - 1]! > 0,
    );
    if (!convolution) addDead(tally, running - living.length, done + layers, depth);
    running = living.length;
    if (running === 0) return;
    state = rowsOf(result[NETWORKS.nextState]!.data as Float32Array, living, units * points);
    alive = rowsOf(result[NETWORKS.nextAlive]!.data as Uint8Array, living, points) as Uint8Array<ArrayBuffer>;
  }
}

/** Draws the weights, and biases if there are any, of the next layers of so many networks. */
function weightDrawer(
  options: SimulationOptions,
  layers: number,
  index: number,
): (networks: number) => Record<string, NdArray> {
  const { width, seed, bias = false } = options;
  const fanIn = fanInOf(options);
  const normal = normalStream(seed + 1_000_003 * width + 7919 * (index + 1));
  const drawn = (dims: number[]): NdArray => {
    const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
    normal(data, Math.sqrt(2 / fanIn));
    return { type: 'float32', dims, data };
  };
  return (networks) => {
    const weights = { [NETWORKS.weights]: drawn([layers, networks, width, fanIn]) };
    return bias ? { ...weights, [NETWORKS.bias]: drawn([layers, networks, width, 1]) } : weights;
  };
}

/** Counts networks that died as dead at the layers that they are no longer run through. */
function addDead(tally: Tally, networks: number, from: number, depth: number): void {
  for (let layer = from; layer < depth; layer++) for (let i = 0; i < networks; i++) tally.add(layer, 0, null);
}

/** Draws the points, [units, points]: the same for every network of a simulation. */
function drawPoints({ seed, points }: SimulationOptions, units: number): Float32Array {
  const data = new Float32Array(units * points);
  normalStream(seed)(data, 1);
  return data;
}

function repeated(values: Float32Array, times: number): Float32Array {
  const result = new Float32Array(values.length * times);
  for (let i = 0; i < times; i++) result.set(values, i * values.length);
  return result;
}

/** Returns some of the rows of a matrix with `length` columns. */
function rowsOf<T extends Float32Array | Uint8Array>(values: T, rows: number[], length: number): T {
  if (rows.length * length === values.length) return values;
  const result = values.slice(0, rows.length * length) as T;
  for (const [i, row] of rows.entries()) {
    result.set(values.subarray(row * length, (row + 1) * length), i * length);
  }
  return result;
}
