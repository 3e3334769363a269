import type { RandomNetworks } from './random-networks.js';

/** Random networks to be measured: weights N(0, 2/fanIn), data N(0, I). */
export interface SimulationOptions {
  /** Units of each layer, or feature maps of a convolution. */
  width: number;
  depth: number;
  networks: number;
  points: number;
  seed: number;
  /** Default `iid`. */
  scheme?: RandomNetworks['scheme'];
  /** Biases N(0, 2/fanIn) too; otherwise none. */
  bias?: boolean;
  /** Measure the normalised variance of the outputs too. */
  variance?: boolean;
  /** Images are side × side. `null` for dense layers. */
  convolution?: { kernel: number; side: number } | null;
  /** 0: as many as ONNX Runtime chooses. */
  threads?: number;
  signal?: AbortSignal | undefined;
}

/** Result of a simulation. Index d of each list is depth d + 1. */
export interface Simulation {
  networks: number;
  points: number;
  /** Networks in which at least one point is alive. */
  living: number[];
  /** Share of the points that are alive, mean over networks. */
  aliveShare: number[];
  /** Share of the points that are alive in the network with the fewest. */
  leastAliveShare: number[];
  /** Mean over living networks of ‖σ‖²/‖λ‖²; `null` where no network lives, or it was not measured. */
  meanVariance: (number | null)[];
  /**
   * Median of the same. A network in which most points are dead has a huge variance, which rules the mean.
   */
  medianVariance: (number | null)[];
  /** Version of ONNX Runtime. */
  onnxruntime: string;
}

/** Adds up what random networks did at each layer. */
export interface Tally {
  /** One network at one layer (counted from 0); `variance` is `null` where it was not measured. */
  add(layer: number, alivePoints: number, variance: number | null): void;
  finish(): Omit<Simulation, 'onnxruntime'>;
}

/** Starts a tally at zero. */
export function startTally({ networks, depth, points }: SimulationOptions): Tally {
  const living = new Array<number>(depth).fill(0);
  const alive = new Array<number>(depth).fill(0);
  const least = new Array<number>(depth).fill(points);
  const variances = Array.from({ length: depth }, (): number[] => []);
  return {
    add(layer, alivePoints, variance) {
      if (alivePoints > 0) living[layer]!++;
      alive[layer]! += alivePoints;
      least[layer] = Math.min(least[layer]!, alivePoints);
      if (alivePoints > 0 && variance !== null && Number.isFinite(variance)) variances[layer]!.push(variance);
    },
    finish() {
      // Sorted: runs end in any order, which must not show in the last bits of a sum.
      const sorted = variances.map((list) => list.toSorted((a, b) => a - b));
      return {
        networks,
        points,
        living,
        aliveShare: alive.map((sum) => sum / (networks * points)),
        leastAliveShare: least.map((fewest) => fewest / points),
        meanVariance: sorted.map(mean),
        medianVariance: sorted.map(median),
      };
    },
  };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

/** Returns the middle of increasing values, or the mean of the middle two. */
function median(values: readonly number[]): number | null {
  const middle = values.length / 2;
  return values.length === 0 ? null : (values[Math.ceil(middle) - 1]! + values[Math.floor(middle)]!) / 2;
}
