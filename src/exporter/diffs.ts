import { UserError } from '../errors.js';

/** Comparisons that run at the same time: each is a process that reads two reports of megabytes. */
const RUNNING = 2;
/** Comparisons that may wait. */
const WAITING = 16;
/** Size of the answers that are kept, in characters: the same two reports always compare the same. */
const KEPT_CHARACTERS = 16 * 2 ** 20;

export interface Diffs {
  /**
   * Compares two stored reports; gives the diff report as JSON text. Requests for the same pair share one
   * comparison.
   *
   * @throws UserError with code `diff-busy` when too many comparisons wait.
   */
  compare(oldId: string, newId: string): Promise<string>;
}

/**
 * Limits and caches comparisons.
 *
 * @param run Compares two reports.
 */
export function openDiffs(run: (oldId: string, newId: string) => Promise<string>): Diffs {
  /** Answers, the one that was asked for last at the end. */
  const kept = new Map<string, string>();
  const open = new Map<string, Promise<string>>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const turn = async (): Promise<void> => {
    if (running >= RUNNING) await new Promise<void>((start) => waiting.push(start));
    else running++;
  };
  const endTurn = (): void => {
    const next = waiting.shift();
    if (next) next();
    else running--;
  };
  const keep = (key: string, text: string): void => {
    kept.delete(key);
    kept.set(key, text);
    let size = [...kept.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [oldest, { length }] of kept) {
      if (size <= KEPT_CHARACTERS) break;
      kept.delete(oldest);
      size -= length;
    }
  };
  const compute = async (key: string, oldId: string, newId: string): Promise<string> => {
    await turn();
    try {
      const text = await run(oldId, newId);
      keep(key, text);
      return text;
    } finally {
      endTurn();
      open.delete(key);
    }
  };
  return {
    compare: async (oldId, newId) => {
      const key = `${oldId} ${newId}`;
      const known = kept.get(key);
      if (known !== undefined) {
        keep(key, known);
        return known;
      }
      const begun = open.get(key);
      if (begun) return begun;
      if (waiting.length >= WAITING) {
        throw new UserError(
          `${waiting.length} comparisons wait already: try again in a few seconds.`,
          'diff-busy',
        );
      }
      const comparison = compute(key, oldId, newId);
      open.set(key, comparison);
      return comparison;
    },
  };
}
