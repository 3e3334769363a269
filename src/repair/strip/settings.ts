import { z } from 'zod';
import { choice, group, percent, ratio, switchSetting, wholeNumber } from '../../settings/setting.js';

/** Share of a dead neuron's incoming weights that one round removes (Whitaker & Whitley 2023). */
export const DEFAULT_FRACTION = 0.1;

/**
 * A round takes an audit, and the rounds end by themselves when nothing is dead or nothing is left to strip.
 */
const MOST_ROUNDS = 1000;

const fraction = ratio({
  help: "Share of a neuron's remaining incoming weights to remove in a round",
  default: DEFAULT_FRACTION,
});

/** Settings of a strip besides those of its audits. */
export const stripSettings = group('Strip', {
  by: choice(['weight', 'contribution'], {
    value: 'weight|contribution',
    help: 'Remove the most negative weights, or mean contributions w·E[x]',
    default: 'weight',
  }),
  fraction: {
    ...fraction,
    schema: fraction.schema.refine((share) => share > 0),
    expected: 'a share in (0, 1], as in 0.1 or 10%',
  },
  rounds: wholeNumber(1, MOST_ROUNDS, { help: 'Detect and strip at most N times', default: 1 }),
  allowShared: switchSetting({
    help: 'Also strip weights that something else reads, of neurons dead wherever they are used',
  }),
  maxQualityLoss: {
    kind: 'number',
    // A perplexity can rise by more than 100 %; below 0 the quality has to rise.
    schema: z.union([
      z.number(),
      z.string().regex(/%$/).transform(percent).pipe(z.number()),
    ]) as z.ZodType<number>,
    expected: 'a ratio, as in 0.005 or 0.5%',
    value: 'x',
    help: 'Write nothing and exit with 1 if the quality falls by more, as in 0.5%',
  },
});
