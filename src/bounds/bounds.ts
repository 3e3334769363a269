import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.js';
import { tool } from '../files/package.js';
import { writeTextFile } from '../files/text-files.js';
import { SCHEMA_VERSION, type Warning } from '../report/schema.js';
import { wilsonInterval } from '../stats/wilson-interval.js';
import { renderFigure } from './figure-svg.js';
import { figures } from './figures.js';
import {
  denseParameters,
  depthFor,
  exactWidth,
  fullKernelParameters,
  kernelParameters,
  livingBounds,
  uniformBounds,
  widthFor,
} from './formulas.js';
import { type ModelNetwork, modelNetwork } from './model.js';
import type { BoundsReport } from './schema.js';
import { openSimulator, type Simulator } from './simulate.js';

/** What to bound: a width and a depth, a model, or what is missing of width and depth at a probability. */
export interface BoundsOptions {
  model?: string;
  plugin?: string[];
  width?: number;
  depth?: number;
  bias?: boolean;
  /** M of M × M kernels; `width` then counts feature maps. */
  kernel?: number;
  probability?: number;
  /** Measure random networks too. */
  simulate?: boolean;
  networks?: number;
  points?: number;
  seed?: number;
  /** Side of the random images of a convolution. */
  side?: number;
  /** Folder for the paper's figures. */
  figures?: string;
  threads?: number;
  onStage?: (stage: string) => void;
  signal?: AbortSignal;
}

const DEFAULTS = { networks: 1024, points: 1024, imagePoints: 64, side: 8, seed: 1 };
/** Widest and deepest network that is simulated. */
const SIMULATED = { width: 1024, depth: 4096 };

interface Network {
  known: NonNullable<BoundsReport['network']>;
  bounds: NonNullable<BoundsReport['bounds']>;
}

/**
 * Bounds on the probability that a random rectifier network is alive, the width a depth needs, and on request a Monte
 * Carlo check and the paper's figures (Rister & Rubin, arXiv 2007.06192).
 *
 * @throws UserError when too little is given, or the model is no rectifier network.
 */
export async function bounds(options: BoundsOptions): Promise<BoundsReport> {
  const warnings: Warning[] = [];
  const network = await networkOf(options, warnings);
  const { probability, depth } = options;
  const width = network?.known.width ?? options.width;
  const deep = network?.known.depth ?? depth;
  if (!network && options.figures === undefined && probability === undefined) throw tooLittle();
  const simulator = openSimulator();
  try {
    const simulation = options.simulate ? await simulated(simulator, options, network) : null;
    return {
      schemaVersion: SCHEMA_VERSION,
      kind: 'bounds',
      tool,
      createdAt: new Date().toISOString(),
      warnings,
      network: network?.known ?? null,
      bounds: network?.bounds ?? null,
      width: probability === undefined || deep === undefined ? null : neededWidth(deep, probability),
      deepest: probability === undefined || width == null ? null : deepest(width, probability),
      simulation,
      figures: options.figures === undefined ? [] : await writeFigures(simulator, options.figures, options),
    };
  } finally {
    await simulator.dispose();
  }
}

async function networkOf(options: BoundsOptions, warnings: Warning[]): Promise<Network | null> {
  const { model, width, depth, bias = true, kernel, plugin } = options;
  if (model !== undefined) {
    if (width !== undefined || depth !== undefined || kernel !== undefined) {
      throw new UserError(
        'Expected a model or `--width`, `--depth` and `--kernel`, found both: a model has its own.',
        'option-conflict',
      );
    }
    return ofModel(await modelNetwork(model, plugin));
  }
  const chosen =
    width ??
    (depth !== undefined && options.probability !== undefined
      ? widthFor(depth, options.probability)
      : undefined);
  if (chosen === undefined || depth === undefined) return null;
  const base = { model: null, width: chosen, depth, bias, kernel: kernel ?? null, layers: [] };
  if (kernel === undefined) {
    const parameters = denseParameters(chosen, bias);
    return { known: base, bounds: uniformBounds({ neurons: chosen, parameters }, depth) };
  }
  const shape = { neurons: chosen, parameters: kernelParameters(chosen, kernel, bias) };
  const full = { neurons: chosen, parameters: fullKernelParameters(chosen, kernel, bias) };
  if (chosen > 1) {
    warnings.push({
      code: 'kernel-parameters',
      message:
        `The paper's upper bound counts ${shape.parameters} parameters a layer, one ${kernel} × ${kernel} kernel per ` +
        `feature map. Kernels that span all ${chosen} input maps, as ONNX Conv has them, are ${full.parameters} ` +
        'parameters; for those networks only the upper bound for full kernels is certain.',
    });
  }
  const upperFullKernels = uniformBounds(full, depth).upper;
  return { known: base, bounds: { ...uniformBounds(shape, depth), upperFullKernels } };
}

function ofModel({ name, path, layers }: ModelNetwork): Network {
  const widths = new Set(layers.map(({ neurons }) => neurons));
  const biases = new Set(layers.map(({ bias }) => bias));
  const kernels = new Set(layers.map(({ kernel }) => kernel));
  const known = {
    model: { name, path },
    width: widths.size === 1 ? layers[0]!.neurons : null,
    depth: layers.length,
    bias: biases.size === 1 ? layers[0]!.bias : null,
    kernel: kernels.size === 1 ? layers[0]!.kernel : null,
    layers: layers.map(({ id, neurons, parameters }) => ({ id, neurons, parameters })),
  };
  return { known, bounds: livingBounds(layers) };
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

async function simulated(
  simulator: Simulator,
  options: BoundsOptions,
  network: Network | null,
): Promise<NonNullable<BoundsReport['simulation']>> {
  if (!network || network.known.width === null) {
    throw new UserError(
      '`--simulate` needs `--width` and `--depth`: the networks that it draws have layers of one width.',
      'option-conflict',
    );
  }
  const started = performance.now();
  const { known, bounds } = network;
  const { width, depth, kernel } = { ...known, width: known.width! };
  for (const [name, value, limit] of [
    ['width', width, SIMULATED.width],
    ['depth', depth, SIMULATED.depth],
  ] as const) {
    if (value > limit) {
      throw new UserError(`\`--simulate\` goes up to a ${name} of ${limit}, got ${value}.`, 'option-value');
    }
  }
  const { networks = DEFAULTS.networks, seed = DEFAULTS.seed, side = DEFAULTS.side } = options;
  const points = options.points ?? (kernel === null ? DEFAULTS.points : DEFAULTS.imagePoints);
  const { signal, threads } = options;
  options.onStage?.(`Running ${networks} random networks`);
  const result = await simulator.simulate({
    width,
    depth,
    networks,
    points,
    seed,
    bias: known.bias ?? true,
    convolution: kernel === null ? null : { kernel, side },
    signal,
    ...(threads !== undefined && { threads }),
  });
  const living = result.living.at(-1)!;
  const interval = wilsonInterval(living, networks);
  const deviation = `N(0, 2/${width * (kernel ?? 1) ** 2})`;
  return {
    networks,
    points,
    seed,
    data: kernel === null ? `N(0, I), ${width} numbers` : `N(0, I), ${width} × ${side} × ${side}`,
    weights: known.bias === false ? `${deviation}, no bias` : `${deviation}, biases too`,
    living,
    probability: living / networks,
    interval,
    aliveShare: result.aliveShare.at(-1)!,
    agrees: interval.high >= bounds.lower && interval.low <= (bounds.upperFullKernels ?? bounds.upper),
    byDepth: result.living,
    onnxruntime: result.onnxruntime,
    durationSeconds: (performance.now() - started) / 1000,
  };
}

/** `figure-N.json` and `figure-N.svg` for each figure. */
async function writeFigures(
  simulator: Simulator,
  folder: string,
  { networks = DEFAULTS.networks, points = DEFAULTS.points, seed = DEFAULTS.seed, ...rest }: BoundsOptions,
): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new UserError(`\`--figures ${folder}\` cannot be made a folder.`, 'cannot-write', { cause });
  }
  const { onStage, signal } = rest;
  const written: string[] = [];
  for (const figure of await figures(simulator, { networks, points, seed, onStage, signal })) {
    const path = join(folder, `figure-${figure.figure}`);
    await writeTextFile(`${path}.json`, `${JSON.stringify(figure, null, 1)}\n`);
    await writeTextFile(`${path}.svg`, await renderFigure(figure));
    written.push(`${path}.json`, `${path}.svg`);
  }
  return written;
}

function tooLittle(): UserError {
  return new UserError(
    'Expected a model, `--width` with `--depth`, one of them with `--probability`, or `--figures DIR`, as in ' +
      '`audit bounds --width 8 --depth 64`.',
    'option-missing',
  );
}
