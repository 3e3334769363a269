import { UserError } from '../errors.js';
import { wilsonInterval } from '../stats/wilson-interval.js';
import { checkSimulation } from './limits.js';
import type { BoundedNetwork } from './network.js';
import type { BoundsReport } from './schema.js';
import type { Simulator } from './simulator.js';

export interface SimulationSettings {
  networks: number;
  /** Default 1,024; 64 images for a convolution. */
  points?: number | undefined;
  seed: number;
  /** Side of the random images of a convolution; default 8. */
  side?: number | undefined;
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
  onStage?: ((stage: string) => void) | undefined;
}

const DEFAULT_POINTS = 1024;
const DEFAULT_IMAGES = 64;
const DEFAULT_SIDE = 8;

/**
 * Runs random networks of the same shape, and says whether the share that is alive lies between the bounds.
 *
 * @throws UserError when the layers differ in width, or the network is too large to simulate.
 */
export async function checkBySimulation(
  simulator: Simulator,
  bounded: BoundedNetwork | null,
  { networks, seed, threads, signal, onStage, ...settings }: SimulationSettings,
): Promise<NonNullable<BoundsReport['simulation']>> {
  const width = bounded?.network.width ?? null;
  if (!bounded || width === null) {
    throw new UserError(
      '`simulate` needs `width` and `depth`: the networks that it draws have layers of one width.',
      'option-conflict',
      { settings: ['simulate', 'width', 'depth'] },
    );
  }
  const started = performance.now();
  const { depth, kernel, bias } = bounded.network;
  const side = settings.side ?? DEFAULT_SIDE;
  const convolution = kernel === null ? null : { kernel, side };
  const points = settings.points ?? (convolution ? DEFAULT_IMAGES : DEFAULT_POINTS);
  checkSimulation({ width, depth, points, convolution });
  onStage?.(`Running ${networks} random networks`);
  const result = await simulator.simulate({
    ...{ width, depth, networks, points, seed, convolution, signal },
    bias: bias ?? true,
    ...(threads !== undefined && { threads }),
  });
  const living = result.living.at(-1)!;
  const interval = wilsonInterval(living, networks);
  const deviation = `N(0, 2/${width * (kernel ?? 1) ** 2})`;
  return {
    networks,
    points,
    seed,
    data: convolution ? `N(0, I), ${width} × ${side} × ${side}` : `N(0, I), ${width} numbers`,
    weights: bias === false ? `${deviation}, no bias` : `${deviation}, biases too`,
    living,
    probability: living / networks,
    interval,
    aliveShare: result.aliveShare.at(-1)!,
    agrees: interval.high >= bounded.bounds.lower && interval.low <= bounded.bounds.upper,
    byDepth: result.living,
    onnxruntime: result.onnxruntime,
    durationSeconds: (performance.now() - started) / 1000,
  };
}
