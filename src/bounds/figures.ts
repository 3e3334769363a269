import { denseParameters, exactWidth, pointAlive, uniformBounds, widthFor } from './formulas.js';
import { checkSimulation } from './limits.js';
import type { Figure, FigureSeries } from './schema.js';
import type { Simulation, SimulationOptions } from './simulation.js';
import type { Simulator } from './simulator.js';

export interface FigureOptions {
  /** Random networks that each measured number is a mean over; 1,024 in the paper. */
  networks: number;
  /** Default 1,024, as in the paper. */
  points?: number | undefined;
  seed: number;
  signal?: AbortSignal | undefined;
  /** Told what is being simulated. */
  onStage?: ((stage: string) => void) | undefined;
}

/** Depth up to which networks are simulated. */
const DEPTH = 256;
const MOST_WIDTH = 15;
const DEFAULT_POINTS = 1024;
/** Probability of a living network that figure 5 keeps while depth grows. */
const KEPT_PROBABILITY = 0.5;
/** Widths of figure 6. */
const POINT_WIDTHS = [2, 4, 8];

/**
 * Makes figures 2, 4, 5 and 6 of Rister & Rubin (arXiv 2007.06192) as data. Figure 2 holds formulas alone;
 * the others run random networks.
 *
 * @throws UserError for more points than a simulation holds in memory.
 */
export async function figures(simulator: Simulator, { points, ...rest }: FigureOptions): Promise<Figure[]> {
  const options = { ...rest, points: points ?? DEFAULT_POINTS };
  checkSimulation({ width: MOST_WIDTH, depth: DEPTH, points: options.points, convolution: null });
  return [
    figure2(),
    await figure4(simulator, options),
    await figure5(simulator, options),
    await figure6(simulator, options),
  ];
}

interface Settings extends FigureOptions {
  points: number;
}

/** Draws ℓ(n, k) for n = 1…16, and the width of equation 9 over k for p = 0.1…0.9. */
export function figure2(): Figure {
  const depths = geometric(1e6, 12);
  const k = { label: 'depth k', scale: 'log10', max: 1e6 } as const;
  const widths = Array.from({ length: 16 }, (_, i) => i + 1);
  const probabilities = Array.from({ length: 9 }, (_, i) => (i + 1) / 10);
  return {
    figure: 2,
    title: 'Lower bound on the probability of a living initialization',
    parameters: { widths, probabilities },
    panels: [
      {
        title: 'ℓ(n, k) = (1 − 2^−n)^k for n = 1 (left) … 16 (right)',
        x: k,
        y: { label: 'ℓ(n, k)', scale: 'linear', min: 0, max: 1 },
        series: widths.map((n) => line(`n = ${n}`, n - 1, depths, (depth) => pointAlive(n, depth))),
      },
      {
        title: 'n = −log₂(1 − p^(1/k)) for p = 0.1 (bottom) … 0.9 (top)',
        x: k,
        y: { label: 'width n', scale: 'linear', min: 0 },
        series: probabilities.map((p, i) => line(`p = ${p}`, i, depths, (depth) => exactWidth(depth, p))),
      },
    ],
  };
}

/** Draws measured P(n, k) against both bounds. */
async function figure4(simulator: Simulator, options: Settings): Promise<Figure> {
  const panels: Figure['panels'] = [];
  for (let width = 1; width <= MOST_WIDTH; width++) {
    options.onStage?.(`Figure 4: width ${width} of ${MOST_WIDTH}`);
    const { living, networks } = await simulator.simulate(dense(width, options));
    const shape = { neurons: width, parameters: denseParameters(width, false) };
    const bound = (which: 'lower' | 'upper') => (k: number) => uniformBounds(shape, k)[which];
    panels.push({
      title: `n = ${width}`,
      x: depthAxis,
      y: { label: 'P(alive)', scale: 'linear', min: 0, max: 1 },
      series: [
        line('upper bound', 1, everyDepth, bound('upper'), 'dashed'),
        line('measured', 0, everyDepth, (k) => living[k - 1]! / networks),
        line('lower bound', 2, everyDepth, bound('lower'), 'dotted'),
      ],
    });
  }
  return {
    figure: 4,
    title: 'Probability that some data point is alive: measured, and both bounds',
    parameters: { ...described(options), widths: panels.map((_, i) => i + 1) },
    panels,
  };
}

/** Draws P, the normalised variance and the width where n(k) = ⌈equation 9⌉ grows with the depth. */
async function figure5(simulator: Simulator, options: Settings): Promise<Figure> {
  const widthAt = (k: number): number => widthFor(k, KEPT_PROBABILITY);
  const runs = new Map<number, Simulation>();
  for (const width of new Set(everyDepth.map(widthAt))) {
    options.onStage?.(`Figure 5: width ${width} of ${widthAt(DEPTH)}`);
    const depth = everyDepth.findLast((k) => widthAt(k) === width)!;
    runs.set(width, await simulator.simulate({ ...dense(width, options), depth, variance: true }));
  }
  const run = (k: number): Simulation => runs.get(widthAt(k))!;
  const shape = (k: number) => ({ neurons: widthAt(k), parameters: denseParameters(widthAt(k), false) });
  const x = depthAxis;
  return {
    figure: 5,
    title: `Networks whose width n(k) keeps the lower bound at p = ${KEPT_PROBABILITY}`,
    parameters: { ...described(options), probability: KEPT_PROBABILITY },
    panels: [
      {
        title: 'P(n(k), k)',
        x,
        y: { label: 'P(alive)', scale: 'linear', min: 0, max: 1 },
        series: [
          line('upper bound', 1, everyDepth, (k) => uniformBounds(shape(k), k).upper, 'dashed'),
          line('measured', 0, everyDepth, (k) => run(k).living[k - 1]! / run(k).networks),
          line('lower bound', 2, everyDepth, (k) => uniformBounds(shape(k), k).lower, 'dotted'),
        ],
      },
      {
        title: 'Normalised variance ‖σ‖² / ‖λ‖² of the output, over living networks',
        x,
        y: { label: '‖σ‖² / ‖λ‖²', scale: 'log10' },
        series: [
          line('mean', 3, everyDepth, (k) => run(k).meanVariance[k - 1] ?? null),
          line('median', 4, everyDepth, (k) => run(k).medianVariance[k - 1] ?? null),
        ],
      },
      {
        title: 'Width n(k)',
        x,
        y: { label: 'n(k)', scale: 'linear', min: 0 },
        series: [{ ...line('width n(k)', 5, everyDepth, widthAt), step: true }],
      },
    ],
  };
}

/**
 * Draws the shares of living points and networks: independent weights, sign flips (section 7), batch
 * normalization.
 */
async function figure6(simulator: Simulator, options: Settings): Promise<Figure> {
  const points: Figure['panels'] = [];
  const living: Figure['panels'] = [];
  for (const width of POINT_WIDTHS) {
    const shares: FigureSeries[] = [];
    const networks: FigureSeries[] = [];
    for (const [color, scheme, name] of schemes) {
      options.onStage?.(`Figure 6: width ${width}, ${name}`);
      const run = await simulator.simulate({ ...dense(width, options), scheme });
      shares.push(line(name, color, everyDepth, (k) => run.aliveShare[k - 1]!));
      networks.push(line(name, color, everyDepth, (k) => run.living[k - 1]! / run.networks));
    }
    const share = (label: string) => ({ label, scale: 'linear', min: 0, max: 1 }) as const;
    points.push({
      title: `n = ${width}: living points`,
      x: depthAxis,
      y: share('share of points'),
      series: [
        ...shares,
        line('ℓ(n, k)', 2, everyDepth, (k) => pointAlive(width, k), 'dotted'),
        line('2^−k, what sign flipping guarantees', 6, everyDepth, (k) => 2 ** -k, 'dashed'),
      ],
    });
    living.push({
      title: `n = ${width}: networks with a living point`,
      x: depthAxis,
      y: share('share of networks'),
      series: networks,
    });
  }
  return {
    figure: 6,
    title: 'Share of living data points, mean over networks, and of networks in which some point lives',
    parameters: { ...described(options), widths: POINT_WIDTHS },
    panels: [...points, ...living],
  };
}

const schemes = [
  [0, 'iid', 'IID weights'],
  [5, 'flip', 'sign flipping'],
  [3, 'batch-norm', 'batch normalization'],
] as const satisfies [number, SimulationOptions['scheme'], string][];

const depthAxis = { label: 'depth k', scale: 'log2', max: DEPTH } as const;

const everyDepth = Array.from({ length: DEPTH }, (_, i) => i + 1);

function dense(width: number, { networks, points, seed, signal }: Settings): SimulationOptions {
  return { width, depth: DEPTH, networks, points, seed, signal };
}

function described({ networks, points, seed }: Settings): Figure['parameters'] {
  return { depth: DEPTH, networks, points, seed, weights: 'N(0, 2/n)', bias: 0, data: 'N(0, I)' };
}

function line(
  name: string,
  color: number,
  xs: number[],
  f: (x: number) => number | null,
  style: FigureSeries['line'] = 'solid',
): FigureSeries {
  return { name, line: style, color, points: xs.map((x) => [x, f(x)]) };
}

/** Returns whole numbers from 1 to `last`, about `perOctave` for each doubling. */
function geometric(last: number, perOctave: number): number[] {
  const count = Math.round(Math.log2(last) * perOctave);
  const all = Array.from({ length: count + 1 }, (_, i) => Math.round(2 ** (i / perOctave)));
  return [...new Set(all)];
}
