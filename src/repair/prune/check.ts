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
  /** Outputs on the second data set; `null` without one. */
  secondOutputs: OutputDifference | null;
  /** Relative difference of outputs that is allowed; `null`: any. */
  tolerance: number | null;
  forwardSeconds: { before: number; after: number; positions: number };
  quality: { before: Quality | NoQuality; after: Quality | NoQuality };
}

export interface CheckOptions {
  /** Second data set on which outputs are compared, too. */
  second: DataSet | null;
  /** True if only constant neurons were removed: then the outputs may differ by rounding alone. */
  isExact: boolean;
}

/**
 * Compares the smaller model with the original on the data.
 *
 * @throws RunError when the outputs differ by more than they may.
 */
export async function checkSmaller(
  before: Subject,
  after: Subject,
  { second, isExact }: CheckOptions,
): Promise<Check> {
  const { data } = before;
  const tolerance = isExact ? toleranceOf(before.original.model) : null;
  const compare = async (on: DataSet): Promise<OutputDifference> => {
    const outputs = await compareOutputs(before, after, on);
    if (tolerance !== null && !(outputs.relative <= tolerance)) throw outputsMoved(outputs, tolerance);
    return outputs;
  };
  const outputs = await compare(data);
  const secondOutputs = second && (await compare(second));
  const batch = await data.rangeBatch();
  const forwardSeconds = { ...(await timeForward(before, after, batch)), positions: batch.positions };
  const quality = await measureQuality(before);
  const task = 'reason' in quality ? null : quality.task;
  return {
    outputs,
    secondOutputs,
    tolerance,
    forwardSeconds,
    quality: {
      before: quality,
      after: task === null ? quality : await measureQuality(after, { task }),
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
