/** The kind of prediction: the token after each, tokens that were masked, or a class for each row or node. */
export type QualityTask = 'next-token' | 'masked-token' | 'classification';

/** Quality of a model's predictions. */
export interface Quality {
  task: QualityTask;
  /** Mean cross-entropy, in nats; `null` if it is not finite or nothing was predicted. */
  loss: number | null;
  /** e^loss; `null` for classifiers. */
  perplexity: number | null;
  /** Share of right predictions; `null` if nothing was predicted. */
  accuracy: number | null;
  /** Number of predictions. */
  positions: number;
}

/** Sums over predictions. Merge rule: they add (sums in double precision). */
export interface QualitySums {
  loss: number;
  correct: number;
  positions: number;
}

export const emptyQuality = (): QualitySums => ({ loss: 0, correct: 0, positions: 0 });

export function mergeQuality(a: QualitySums, b: QualitySums): QualitySums {
  return { loss: a.loss + b.loss, correct: a.correct + b.correct, positions: a.positions + b.positions };
}

/** Sums over the rows that count. All three are [rows]. */
export function sumQuality(
  loss: ArrayLike<number>,
  correct: ArrayLike<number>,
  counts: ArrayLike<number>,
): QualitySums {
  const sums = emptyQuality();
  for (let row = 0; row < loss.length; row++) {
    if (!counts[row]) continue;
    sums.loss += loss[row]!;
    sums.correct += correct[row] ? 1 : 0;
    sums.positions++;
  }
  return sums;
}

export function finishQuality(task: QualityTask, { loss, correct, positions }: QualitySums): Quality {
  const mean = finite(loss / positions);
  return {
    task,
    loss: mean,
    perplexity: task === 'classification' || mean === null ? null : finite(Math.exp(mean)),
    accuracy: positions > 0 ? correct / positions : null,
    positions,
  };
}

/**
 * Computes by how much `after` is worse than `before`, as a ratio: the relative rise of the perplexity for
 * language models, the fall of the accuracy in ratio points for classifiers. Negative if the model got
 * better; `null` if either is unknown. A loss that is no longer finite is infinitely worse.
 */
export function qualityLoss(before: Quality, after: Quality): number | null {
  if (before.task === 'classification') {
    return before.accuracy === null || after.accuracy === null ? null : before.accuracy - after.accuracy;
  }
  if (before.perplexity === null) return null;
  return after.perplexity === null ? Number.POSITIVE_INFINITY : after.perplexity / before.perplexity - 1;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
