import { denseParameters, exactWidth, pointAlive, uniformBounds, widthFor } from './formulas.js';
import type { Figure, FigureSeries } from './schema.js';
import type { Simulation, SimulationOptions, Simulator } from './simulate.js';

/** Of Rister & Rubin, arXiv 2007.06192. */
export const FIGURES = [2, 4, 5, 6] as const;

export interface FigureOptions {
  /** Random networks behind each measured point; the paper's 1,024. */
  networks: number;
  points: number;
  seed: number;
  signal?: AbortSignal | undefined;
  /** Told what is being simulated. */
  onStage?: ((stage: string) => void) | undefined;
}

/** Depth up to which networks are simulated. */
const DEPTH = 256;
const WIDTHS = 15;
/** Probability of a living network that figure 5 keeps while depth grows. */
const KEPT_PROBABILITY = 0.5;
/** Widths of figure 6. */
const POINT_WIDTHS = [2, 4, 8];

/** Figures 2, 4, 5 and 6 as data. 2 is formulas alone; the others run random networks. */
export async function figures(simulator: Simulator, options: FigureOptions): Promise<Figure[]> {
  return [
    figure2(),
    await figure4(simulator, options),
    await figure5(simulator, options),
    await figure6(simulator, options),
  ];
}

/** ℓ(n, k) for n = 1…16, and the width of equation 9 over k for p = 0.1…0.9. */
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

/** Measured P(n, k) against both bounds. */
async function figure4(simulator: Simulator, options: FigureOptions): Promise<Figure> {
  const panels: Figure['panels'] = [];
  for (let width = 1; width <= WIDTHS; width++) {
    options.onStage?.(`Figure 4: width ${width} of ${WIDTHS}`);
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

/** P, the normalised variance and the width when n(k) = ⌈equation 9⌉ grows with the depth. */
async function figure5(simulator: Simulator, options: FigureOptions): Promise<Figure> {
  const widthAt = (k: number): number => widthFor(k, KEPT_PROBABILITY);
  const runs = new Map<number, Simulation>();
  for (const width of new Set(everyDepth.map(widthAt))) {
    options.onStage?.(`Figure 5: width ${width} of ${widthAt(DEPTH)}`);
    const depth = everyDepth.findLast((k) => widthAt(k) === width)!;
    runs.set(width, await simulator.simulate({ ...dense(width, options), depth, spread: true }));
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
          line('mean', 3, everyDepth, (k) => run(k).spread[k - 1] ?? null),
          line('median', 4, everyDepth, (k) => run(k).medianSpread[k - 1] ?? null),
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

/** The share of living points, and of living networks: as drawn, with sign flips (section 7), with batch normalization. */
async function figure6(simulator: Simulator, options: FigureOptions): Promise<Figure> {
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

function dense(width: number, { networks, points, seed, signal }: FigureOptions): SimulationOptions {
  return { width, depth: DEPTH, networks, points, seed, signal };
}

function described({ networks, points, seed }: FigureOptions): Figure['parameters'] {
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

/** Whole numbers from 1 to `last`, about `perOctave` for each doubling. */
function geometric(last: number, perOctave: number): number[] {
  const count = Math.round(Math.log2(last) * perOctave);
  const all = Array.from({ length: count + 1 }, (_, i) => Math.round(2 ** (i / perOctave)));
  return [...new Set(all)];
}
