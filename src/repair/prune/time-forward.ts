import type { Batch } from '../../data/types.js';
import { feedsFor, inputNames, openOverlaySession } from '../../measure/overlay-session.js';
import type { Subject } from '../../measure/subject.js';
import type { Session } from '../../runtime/types.js';
import { onlyMaxima } from './only-maxima.js';

/** Seconds for all timed runs of one model together, about. */
const TIMING_SECONDS = 3;
const FEWEST_RUNS = 3;
const MOST_RUNS = 25;

/**
 * Returns the median seconds of a forward pass of both models on a batch. They run in turns, so that both see
 * the same load.
 */
export async function timeForward(
  before: Subject,
  after: Subject,
  batch: Batch,
): Promise<{ before: number; after: number }> {
  const first = await openTimed(before, batch);
  try {
    const second = await openTimed(after, batch);
    try {
      const warm = (await first.once()) + (await second.once());
      const runs = Math.min(MOST_RUNS, Math.max(FEWEST_RUNS, Math.floor((2 * TIMING_SECONDS) / warm)));
      const times: [number, number][] = [];
      for (let i = 0; i < runs; i++) times.push([await first.once(), await second.once()]);
      return { before: median(times.map(([x]) => x)), after: median(times.map(([, y]) => y)) };
    } finally {
      await second.session.dispose();
    }
  } finally {
    await first.session.dispose();
  }
}

/** Opens a session whose outputs are their maxima alone; `once` returns the seconds of a run. */
async function openTimed(
  subject: Subject,
  batch: Batch,
): Promise<{ session: Session; once: () => Promise<number> }> {
  const copy = subject.copy();
  const feeds = feedsFor(inputNames(copy), batch.feeds);
  const fetch = onlyMaxima(copy.model);
  const session = await openOverlaySession(copy, subject);
  const once = async (): Promise<number> => {
    const begun = performance.now();
    await session.run({ feeds, fetch });
    return (performance.now() - begun) / 1000;
  };
  return { session, once };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
