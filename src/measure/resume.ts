import { existsSync } from 'node:fs';
import { UserError } from '../errors.js';
import { readTextFile, writeTextFile } from '../files/text-files.js';
import type { GraphReport } from '../report/schema.js';
import { decodeCounters, encodeCounters } from '../stats/encoding.js';
import type { LivingPoints } from '../stats/living-points.js';
import type { Counters } from '../stats/types.js';
import type { Range } from './probe-run.js';

/** Where a run stands after a batch: enough to go on with the same result. */
export interface RunState {
  /** Index of the last block that is counted; -1 before the first. */
  lastBlock: number;
  sequences: number;
  /** Positions counted. */
  positions: number;
  ranges: Range[];
  /** A site each. */
  counters: Counters[];
  /** Over-smoothing, when the data is a graph: that is one block. */
  graph?: GraphReport[];
}

interface StateFile {
  kind: 'resume';
  schemaVersion: 1;
  /** What must be the same for the state to be of use. */
  identity: Record<string, unknown>;
  lastBlock: number;
  sequences: number;
  positions: number;
  ranges: Range[];
  graph?: GraphReport[];
  sites: {
    neurons: number;
    positions: number;
    perNeuron: ReturnType<typeof encodeCounters>;
    livingPoints?: LivingPoints;
    histogram: { scale: number; zeroPoint: number; counts: number[] } | null;
  }[];
}

/** Writes the state atomically. */
export async function saveState(
  path: string,
  identity: Record<string, unknown>,
  state: RunState,
): Promise<void> {
  const file: StateFile = {
    kind: 'resume',
    schemaVersion: 1,
    identity,
    lastBlock: state.lastBlock,
    sequences: state.sequences,
    positions: state.positions,
    ranges: state.ranges,
    ...(state.graph && { graph: state.graph }),
    sites: state.counters.map((counters) => ({
      neurons: counters.fired.length,
      positions: counters.positions,
      perNeuron: encodeCounters(counters),
      ...(counters.livingPoints && { livingPoints: counters.livingPoints }),
      histogram: counters.histogram && { ...counters.histogram, counts: [...counters.histogram.counts] },
    })),
  };
  await writeTextFile(path, JSON.stringify(file));
}

/**
 * The state saved in `path`, or `null` when there is none yet.
 *
 * @throws UserError when the file is no such state, or one of another run.
 */
export async function loadState(path: string, identity: Record<string, unknown>): Promise<RunState | null> {
  if (!existsSync(path)) return null;
  const file = await readState(path);
  for (const [what, expected] of Object.entries(identity)) {
    const found = file.identity?.[what];
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
    ...(file.graph && { graph: file.graph }),
    counters: file.sites.map(({ neurons, positions, perNeuron, livingPoints, histogram }) => ({
      ...decodeCounters(perNeuron, neurons, {
        positions,
        histogram: histogram && { ...histogram, counts: Float64Array.from(histogram.counts) },
      }),
      ...(livingPoints && { livingPoints }),
    })),
  };
}

async function readState(path: string): Promise<StateFile> {
  try {
    const file = JSON.parse(await readTextFile(path)) as StateFile;
    if (file.kind === 'resume' && file.schemaVersion === 1) return file;
  } catch (cause) {
    throw new UserError(
      `\`${path}\` is not a state file of --resume, or is damaged; delete it to start anew.`,
      'resume-damaged',
      { cause },
    );
  }
  throw new UserError(`\`${path}\` is not a state file of --resume; give it another name.`, 'resume-damaged');
}
