import type { DataSet } from '../../data/types.js';
import { RunError } from '../../errors.js';
import { measureQuality, type NoQuality } from '../../measure/quality.js';
import type { Subject } from '../../measure/subject.js';
import type { Quality } from '../../stats/quality.js';
import { compareOutputs, type OutputDifference, toleranceOf } from './compare-outputs.js';
import { timeForward } from './time-forward.js';

/** Outputs, speed and quality of the smaller model beside the original's. */
export interface Check {
  outputs: OutputDifference;
  /** Relative difference of outputs that is allowed; `null`: any. */
  tolerance: number | null;
  forwardSeconds: { before: number; after: number; positions: number };
  quality: { before: Quality | NoQuality; after: Quality | NoQuality };
}

/**
 * Compares the smaller model with the original on the data.
 *
 * @param exact True if only constant neurons were removed: then the outputs may differ by rounding alone.
 * @throws RunError when they differ by more.
 */
export async function checkSmaller(
  before: Subject,
  after: Subject,
  data: DataSet,
  exact: boolean,
): Promise<Check> {
  const tolerance = exact ? toleranceOf(before.original.model) : null;
  const outputs = await compareOutputs(before, after, data);
  if (tolerance !== null && !(outputs.relative <= tolerance)) throw outputsMoved(outputs, tolerance);
  const batch = await data.rangeBatch();
  const forwardSeconds = { ...(await timeForward(before, after, batch)), positions: batch.positions };
  const quality = await measureQuality({ ...before, data });
  const task = 'reason' in quality ? null : quality.task;
  return {
    outputs,
    tolerance,
    forwardSeconds,
    quality: {
      before: quality,
      after: task === null ? quality : await measureQuality({ ...after, data }, { task }),
    },
  };
}

function outputsMoved({ largestDifference, relative }: OutputDifference, tolerance: number): RunError {
  return new RunError(
    `The outputs of the smaller model differ by ${largestDifference.toPrecision(2)} from the original's ` +
      `(${relative.toExponential(1)} of the largest; ${tolerance} is rounding): nothing was written. ` +
      'Please report it; `layers` leaves layers out.',
    { settings: ['layers'] },
  );
}
