import { UserError } from '../errors.js';
import { tool } from '../files/package.js';
import { SCHEMA_VERSION } from '../report/schema.js';
import { checkBySimulation } from './check-by-simulation.js';
import { depthFor, exactWidth, widthFor } from './formulas.js';
import { checkNumbers, checkProbability } from './limits.js';
import { boundNetwork, type NetworkOptions } from './network.js';
import type { BoundsReport } from './schema.js';
import { openSimulator } from './simulator.js';
import { writeFigures } from './write-figures.js';

/** Options of `bounds`: a width and a depth, a model, or one of width and depth with a probability. */
export interface BoundsOptions extends NetworkOptions {
  /** Run random networks too, and compare. */
  simulate?: boolean;
  /** Random networks to run; default 1,024. */
  networks?: number;
  /** Data points of a simulation. */
  points?: number;
  /** Default 1. */
  seed?: number;
  /** Side of the random images of a convolution. */
  side?: number;
  /** Folder for the paper's figures. */
  figures?: string;
  threads?: number;
  onStage?: (stage: string) => void;
  signal?: AbortSignal;
}

const DEFAULT_NETWORKS = 1024;
const DEFAULT_SEED = 1;

/**
 * Bounds the probability that a random rectifier network is alive, and finds the width that a depth needs. On
 * request random networks are run to compare, and the paper's figures are written (Rister & Rubin, arXiv
 * 2007.06192).
 *
 * @throws UserError when too little is known, a number is out of its limits, or the model is no rectifier
 *   network.
 */
export async function bounds(options: BoundsOptions): Promise<BoundsReport> {
  const { probability, figures: folder, onStage, ...rest } = options;
  checkNumbers(rest);
  if (probability !== undefined) checkProbability(probability);
  const bounded = await boundNetwork(options);
  const width = bounded?.network.width ?? options.width;
  const depth = bounded?.network.depth ?? options.depth;
  if (!bounded && folder === undefined && (probability === undefined || (width ?? depth) === undefined)) {
    throw tooLittle();
  }
  const { networks = DEFAULT_NETWORKS, seed = DEFAULT_SEED, points, side, threads, signal } = rest;
  const simulator = openSimulator();
  try {
    const simulating = { networks, seed, points, signal, onStage };
    const simulation = options.simulate
      ? await checkBySimulation(simulator, bounded, { ...simulating, side, threads })
      : null;
    return {
      schemaVersion: SCHEMA_VERSION,
      kind: 'bounds',
      tool,
      createdAt: new Date().toISOString(),
      warnings: [],
      network: bounded?.network ?? null,
      bounds: bounded?.bounds ?? null,
      width: probability === undefined || depth === undefined ? null : neededWidth(depth, probability),
      deepest: probability === undefined || width === undefined ? null : deepest(width, probability),
      simulation,
      figures: folder === undefined ? [] : await writeFigures(simulator, folder, simulating),
    };
  } finally {
    await simulator.dispose();
  }
}

function neededWidth(depth: number, probability: number): BoundsReport['width'] {
  return {
    probability,
    depth,
    exact: exactWidth(depth, probability),
    width: widthFor(depth, probability),
  };
}

function deepest(width: number, probability: number): BoundsReport['deepest'] {
  const depth = depthFor(width, probability);
  return { probability, width, depth: depth <= Number.MAX_SAFE_INTEGER ? depth : null };
}

function tooLittle(): UserError {
  return new UserError(
    'Expected a model, `width` with `depth`, one of them with `probability`, or `figures=DIR`, as in ' +
      '`audit bounds --width 8 --depth 64`.',
    'option-missing',
    { settings: ['width', 'depth', 'probability', 'figures'] },
  );
}
