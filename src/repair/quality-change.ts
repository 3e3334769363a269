import { z } from 'zod';
import type { NoQuality } from '../measure/quality.js';
import { percent, significant } from '../report/format.js';
import { count, measured } from '../report/schema.js';
import { type Quality, qualityLoss } from '../stats/quality.js';

export const qualitySchema = z.object({
  task: z.enum(['next-token', 'masked-token', 'classification']),
  loss: measured.describe('Mean cross-entropy, nats'),
  perplexity: measured.describe('e^loss; null for classifiers'),
  accuracy: measured.describe('Share of right predictions'),
  positions: count.describe('Predictions'),
});

/** Quality before and after a change, or the reason why it was not measured. */
export const qualityChangeSchema = z.union([
  z.object({
    before: qualitySchema,
    after: qualitySchema,
    worse: measured.describe(
      'Relative rise of the perplexity; for classifiers the fall of the accuracy in ratio points. Negative: better',
    ),
  }),
  z.object({ reason: z.string() }),
]);

export type QualityChange = z.infer<typeof qualityChangeSchema>;

/** Compares the quality before and after a change; the reason where one of them was not measured. */
export function compareQuality(before: Quality | NoQuality, after: Quality | NoQuality): QualityChange {
  if ('reason' in before) return before;
  if ('reason' in after) return after;
  const worse = qualityLoss(before, after);
  return { before, after, worse: worse !== null && Number.isFinite(worse) ? worse : null };
}

/** Writes a quality in one line: `next-token loss 4.37, perplexity 79.2, accuracy 24.1%`. */
export function qualityWords({ task, loss, perplexity, accuracy }: Quality): string {
  const parts = [
    `${task === 'classification' ? '' : `${task} `}loss ${exact(loss)}`,
    perplexity === null ? null : `perplexity ${exact(perplexity)}`,
    accuracy === null ? null : `accuracy ${percent(accuracy)}`,
  ];
  return parts.filter((part) => part !== null).join(', ');
}

/** Writes the quality before and after a change, and the difference, in one line. */
export function qualityChangeWords(change: QualityChange): string {
  if ('reason' in change) return `not measured: ${change.reason}`;
  const { before, after, worse } = change;
  const verdict =
    worse === null
      ? 'no longer finite'
      : worse === 0
        ? 'the same'
        : `${significant(Math.abs(worse) * 100)} ${before.task === 'classification' ? 'points' : '%'} ${worse > 0 ? 'worse' : 'better'}`;
  return `${qualityWords(before)} → ${qualityWords(after)} (${verdict})`;
}

/** Writes five significant digits: a repair moves a loss by little. */
const exact = (value: number | null): string => (value === null ? '–' : value.toPrecision(5));
