import { SettingError, UserError } from '../errors.js';
import { finitePositions, neuronsOf } from './counters.js';
import type { Counters, Criterion } from './types.js';

/** Limits of the criteria unless `deadBelow` sets another; `silent` has none. */
export const DEFAULT_DEAD_BELOW: Record<Criterion['dead'], number | null> = {
  frequency: 0.001,
  silent: null,
  sum: 0,
  'mean-abs': 0.001,
  dormant: 0.025,
};

export const CRITERIA = Object.keys(DEFAULT_DEAD_BELOW) as Criterion['dead'][];

/**
 * Returns a criterion with its defaults filled in.
 *
 * @throws UserError for an unknown criterion, or a limit that makes no sense for it.
 */
export function completeCriterion(settings: Partial<Criterion> = {}): Criterion {
  const { firing = 'abs', threshold = 0.001, dead = 'frequency' } = settings;
  if (firing !== 'abs' && firing !== 'positive') {
    throw new SettingError('firing', 'abs or positive', firing, { code: 'unknown-firing' });
  }
  if (!CRITERIA.includes(dead)) {
    throw new SettingError('dead', `one of ${CRITERIA.join(', ')}`, dead, { code: 'unknown-criterion' });
  }
  if (!(Number.isFinite(threshold) && threshold >= 0)) {
    throw new SettingError('threshold', 'a number of at least 0', threshold, { code: 'bad-threshold' });
  }
  const deadBelow = settings.deadBelow ?? DEFAULT_DEAD_BELOW[dead];
  checkLimit(dead, deadBelow);
  return { firing, threshold, dead, deadBelow };
}

function checkLimit(dead: Criterion['dead'], deadBelow: number | null): void {
  const code = 'bad-limit';
  if (dead === 'silent' && deadBelow !== null) {
    throw new UserError(
      'The criterion silent (never fired) has no limit: leave `deadBelow` out, or choose another `dead`.',
      code,
      { settings: ['deadBelow', 'dead'] },
    );
  }
  if (deadBelow !== null && !(Number.isFinite(deadBelow) && deadBelow >= 0)) {
    throw new SettingError('deadBelow', 'a number of at least 0', deadBelow, { code });
  }
  if (dead === 'frequency' && !(deadBelow! > 0 && deadBelow! <= 1)) {
    throw new SettingError('deadBelow', 'in (0, 1] for the criterion frequency', deadBelow, {
      code,
      hint: ' For neurons that never fire there is `dead=silent`.',
      settings: ['dead'],
    });
  }
}

/**
 * Returns the indices of the dead neurons, increasing.
 *
 * A neuron that never had a finite value is not dead: nothing is known of it, and it is counted as
 * `nonFinite`. So no neuron is dead at a site that saw no data. If all activations of a site are zero, all
 * its neurons are dormant.
 */
export function deadNeurons(counters: Counters, criterion: Pick<Criterion, 'dead' | 'deadBelow'>): number[] {
  const isDead = deadTest(counters, criterion);
  const dead: number[] = [];
  for (let i = 0; i < neuronsOf(counters); i++) {
    if (finitePositions(counters, i) > 0 && isDead(i)) dead.push(i);
  }
  return dead;
}

/**
 * Computes dormancy scores [neurons]: mean |a| of the neuron over the site's mean of that (Sokar et al. 2023,
 * eq. 1). All are 0 if the whole site is zero. A neuron without finite values has NaN, and is left out of the
 * site's mean.
 */
export function dormancy(counters: Counters): Float64Array {
  const scores = new Float64Array(neuronsOf(counters));
  let total = 0;
  let known = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = counters.sumAbs[i]! / finitePositions(counters, i); // 0/0 is NaN
    if (finitePositions(counters, i) > 0) {
      total += scores[i]!;
      known++;
    } else scores[i] = Number.NaN;
  }
  const siteMean = total / known;
  return scores.map((score) => (siteMean > 0 ? score / siteMean : score));
}

function deadTest(counters: Counters, { dead, deadBelow }: Pick<Criterion, 'dead' | 'deadBelow'>) {
  const limit = deadBelow ?? DEFAULT_DEAD_BELOW[dead] ?? 0;
  switch (dead) {
    case 'frequency':
      return (i: number) => counters.fired[i]! / counters.positions < limit;
    case 'silent':
      return (i: number) => counters.fired[i] === 0;
    case 'sum': // Whitaker & Whitley 2023, section III-A
      return (i: number) => Math.abs(counters.sum[i]!) <= limit;
    case 'mean-abs':
      return (i: number) => counters.sumAbs[i]! / finitePositions(counters, i) <= limit;
    case 'dormant': {
      const scores = dormancy(counters);
      return (i: number) => scores[i]! <= limit;
    }
  }
}
