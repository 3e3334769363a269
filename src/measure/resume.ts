import { existsSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../errors.js';
import { readTextFile, writeTextFile } from '../files/text-files.js';
import { decodeCounters, encodeCounters } from '../stats/encoding.js';
import type { Counters } from '../stats/types.js';
import { HISTOGRAM_BINS, type HistogramRange } from '../stats/value-histogram.js';
import type { LayerSmoothing } from './smoothing.js';

/** State of a run after a batch: enough to go on with the same result. */
export interface RunState {
  /** Index of the last block that is counted; -1 before the first. */
  lastBlock: number;
  sequences: number;
  /** Positions counted. */
  positions: number;
  /** Those of the sites, then of the watched tensors. */
  ranges: HistogramRange[];
  /** Those of the sites, then of the watched tensors. */
  counters: Counters[];
  /** Over-smoothing, when the data is a graph: that is one block. */
  smoothing?: LayerSmoothing[];
}

/** Facts of a run that must be the same for a saved state to be of use. */
export type RunIdentity = Record<string, unknown>;

const count = z.int().nonnegative();
const measured = z.number().nullable();
const range = {
  scale: z.number().positive(),
  zeroPoint: z
    .int()
    .min(0)
    .max(HISTOGRAM_BINS - 1),
};
const vector = (dtype: 'f64' | 'f32') => z.object({ dtype: z.literal(dtype), data: z.base64() });
const perNeuron = z.object({
  fired: vector('f64'),
  positive: vector('f64'),
  saturated: vector('f64'),
  nonFinite: vector('f64'),
  sum: vector('f64'),
  sumAbs: vector('f64'),
  sumSquares: vector('f64'),
  min: vector('f32'),
  max: vector('f32'),
});
const smoothing = z.object({
  id: z.string(),
  stack: z.string(),
  layer: count,
  site: z.enum(['mlp_post', 'attn_out', 'output']),
  part: z.string(),
  nodes: count,
  neighbourPairs: count,
  features: count,
  dirichletEnergy: measured,
  distanceToMean: measured,
  degreeNormalisedDirichletEnergy: measured,
  meanAverageDistance: measured,
  effectiveRank: measured,
  zeroShare: measured,
});

const stateFile = z.object({
  kind: z.literal('resume'),
  schemaVersion: z.literal(1),
  identity: z.record(z.string(), z.unknown()),
  lastBlock: z.int().min(-1),
  sequences: count,
  positions: count,
  ranges: z.array(z.object(range)),
  graph: z.array(smoothing).optional(),
  sites: z.array(
    z.object({
      neurons: count,
      positions: count,
      perNeuron,
      livingPoints: z.object({ points: count, alive: count }).optional(),
      histogram: z.object({ ...range, counts: z.array(count).length(HISTOGRAM_BINS) }).nullable(),
    }),
  ),
});

type StateFile = z.infer<typeof stateFile>;

/** Writes the state atomically. @throws UserError when the file cannot be written. */
export async function saveState(path: string, identity: RunIdentity, state: RunState): Promise<void> {
  const file: StateFile = {
    kind: 'resume',
    schemaVersion: 1,
    identity,
    lastBlock: state.lastBlock,
    sequences: state.sequences,
    positions: state.positions,
    ranges: state.ranges,
    ...(state.smoothing && { graph: state.smoothing }),
    sites: state.counters.map((counters) => ({
      neurons: counters.fired.length,
      positions: counters.positions,
      perNeuron: encodeCounters(counters) as StateFile['sites'][number]['perNeuron'],
      ...(counters.livingPoints && { livingPoints: counters.livingPoints }),
      histogram: counters.histogram && { ...counters.histogram, counts: [...counters.histogram.counts] },
    })),
  };
  await writeTextFile(path, JSON.stringify(file));
}

/**
 * Reads the state saved in `path`; returns `null` when there is none yet.
 *
 * @throws UserError when the file is no such state, is damaged, or belongs to another run.
 */
export async function loadState(path: string, identity: RunIdentity): Promise<RunState | null> {
  if (!existsSync(path)) return null;
  const file = await readState(path);
  for (const [what, expected] of Object.entries(identity)) {
    const found = Object.hasOwn(file.identity, what) ? file.identity[what] : undefined;
    if (JSON.stringify(found) === JSON.stringify(expected)) continue;
    throw new UserError(
      `\`${path}\` holds the state of another run: its ${what} is ${JSON.stringify(found)}, this run's is ` +
        `${JSON.stringify(expected)}; give --resume another file, or delete this one to start anew.`,
      'resume-mismatch',
    );
  }
  return {
    lastBlock: file.lastBlock,
    sequences: file.sequences,
    positions: file.positions,
    ranges: file.ranges,
    ...(file.graph && { smoothing: file.graph }),
    counters: countersIn(file, path),
  };
}

function countersIn({ sites, ranges }: StateFile, path: string): Counters[] {
  if (sites.length > 0 && sites.length !== ranges.length) {
    throw damaged(path, `it has ${sites.length} sites and ${ranges.length} ranges`);
  }
  return sites.map(({ neurons, positions, perNeuron: encoded, livingPoints, histogram }, i) => {
    const bins = histogram && { ...histogram, counts: Float64Array.from(histogram.counts) };
    try {
      const counters = decodeCounters(encoded, neurons, { positions, histogram: bins });
      return { ...counters, ...(livingPoints && { livingPoints }) };
    } catch (cause) {
      throw damaged(path, `the counters of site ${i} are not [${neurons}]`, cause);
    }
  });
}

async function readState(path: string): Promise<StateFile> {
  const text = await readTextFile(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, 'it is no JSON', cause);
  }
  const parsed = stateFile.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0]!;
  throw damaged(path, `${at.join('.') || 'the whole'}: ${message}`);
}

function damaged(path: string, why: string, cause?: unknown): UserError {
  return new UserError(
    `\`${path}\` is not a state file of --resume, or is damaged (${why}); delete it to start anew.`,
    'resume-damaged',
    { cause },
  );
}
