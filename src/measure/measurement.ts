import type { Warning } from '../data/spec.js';
import type { DataDescription } from '../data/types.js';
import type { Site } from '../sites/types.js';
import type { Counters, Criterion } from '../stats/types.js';
import type { LayerSmoothing } from './smoothing.js';

/** Facts of the data that a measurement saw. */
export interface DataFacts extends DataDescription {
  positions: number;
  sequences: number;
  shard: { index: number; count: number } | null;
  /** False when the run was stopped early. */
  complete: boolean;
}

/** Facts of the run that made a measurement. */
export interface RunFacts {
  device: string;
  provider: string;
  onnxruntime: string;
  /** Seconds from the opening of the session to the last batch. */
  seconds: number;
  positionsPerSecond: number | null;
  peakRssBytes: number | null;
}

/**
 * What was counted over one data set: it lies between counting and reporting. A report is written from it; a
 * repair chooses neurons by it.
 */
export interface Measurement {
  criterion: Criterion;
  sites: Site[];
  /** In the order of the sites. */
  counters: Counters[];
  /** Counters of the watched tensors, in their order. */
  watched: Counters[];
  /** Over-smoothing, layer by layer; absent when the data is no graph. */
  smoothing?: LayerSmoothing[];
  data: DataFacts;
  /** True if every position there is was seen (a full-graph audit): a census has no resolution. */
  census: boolean;
  run: RunFacts;
  warnings: Warning[];
}

/** Returns the counters of one site. @throws Error for a site that was not measured. */
export function countersAt({ sites, counters }: Measurement, id: string): Counters {
  const index = sites.findIndex((site) => site.id === id);
  if (index < 0) throw new Error(`site ${id} was not measured`);
  return counters[index]!;
}
