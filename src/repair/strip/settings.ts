import { z } from 'zod';
import { choice, percent, ratio, switchSetting, wholeNumber } from '../../settings/setting.js';

/** More rounds than this take as many audits, and a round without an effect ends them long before. */
const MOST_ROUNDS = 1000;

const fraction = ratio({
  group: 'Repair',
  value: 'x',
  help: "Share of a neuron's remaining incoming weights to remove in a round (default: 0.1)",
});

/** Settings of a strip besides those of its audits. */
export const stripSettings = {
  by: choice(['weight', 'contribution'], {
    group: 'Repair',
    value: 'weight|contribution',
    help: 'Remove the most negative weights, or mean contributions w·E[x] (default: weight)',
  }),
  fraction: {
    ...fraction,
    schema: fraction.schema.refine((share) => share > 0),
    expected: 'a share in (0, 1], as in 0.1 or 10%',
  },
  rounds: wholeNumber(1, MOST_ROUNDS, {
    group: 'Repair',
    value: 'n',
    help: 'Detect and strip at most N times (default: 1)',
  }),
  allowShared: switchSetting({
    group: 'Repair',
    help: 'Also strip weights that something else reads, of neurons dead wherever they are used',
  }),
  maxQualityLoss: {
    kind: 'number' as const,
    // A perplexity can rise by more than 100 %; below 0 the quality has to rise.
    schema: z.union([
      z.number(),
      z.string().regex(/%$/).transform(percent).pipe(z.number()),
    ]) as z.ZodType<number>,
    expected: 'a ratio, as in 0.005 or 0.5%',
    group: 'Repair' as const,
    value: 'x',
    help: 'Write nothing and exit with 1 if the quality falls by more, as in 0.5%',
  },
};
