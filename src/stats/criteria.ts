import { UserError } from '../errors.js';
import { finitePositions, neuronsOf } from './counters.js';
import type { Counters, Criterion } from './types.js';

/** Limits that hold unless `--dead-below` says otherwise; `silent` needs none. */
export const DEFAULT_DEAD_BELOW: Record<Criterion['dead'], number | null> = {
  frequency: 0.001,
  silent: null,
  sum: 0,
  'mean-abs': 0.001,
  dormant: 0.025,
};

export const CRITERIA = Object.keys(DEFAULT_DEAD_BELOW) as Criterion['dead'][];

/**
 * The criterion with its defaults filled in.
 *
 * @throws UserError for an unknown criterion, or a limit that makes no sense for it.
 */
export function completeCriterion(given: Partial<Criterion> = {}): Criterion {
  const { firing = 'abs', threshold = 0.001, dead = 'frequency' } = given;
  if (firing !== 'abs' && firing !== 'positive') {
    throw new UserError(`Expected --firing to be abs or positive, got \`${firing}\`.`, 'unknown-firing');
  }
  if (!CRITERIA.includes(dead)) {
    throw new UserError(
      `Expected --dead to be one of ${CRITERIA.join(', ')}, got \`${dead}\`.`,
      'unknown-criterion',
    );
  }
  if (!(Number.isFinite(threshold) && threshold >= 0)) {
    throw new UserError(
      `Expected --threshold to be a number of at least 0, got \`${threshold}\`.`,
      'bad-threshold',
    );
  }
  const deadBelow = given.deadBelow ?? DEFAULT_DEAD_BELOW[dead];
  if (dead === 'silent' && deadBelow !== null) {
    throw new UserError(
      'The criterion silent (never fired) has no limit: leave --dead-below out, or choose another --dead.',
      'bad-limit',
    );
  }
  if (deadBelow !== null && !(Number.isFinite(deadBelow) && deadBelow >= 0)) {
    throw new UserError(
      `Expected --dead-below to be a number of at least 0, got \`${deadBelow}\`.`,
      'bad-limit',
    );
  }
  if (dead === 'frequency' && !(deadBelow! > 0 && deadBelow! <= 1)) {
    throw new UserError(
      `Expected --dead-below of the criterion frequency to be in (0, 1], got \`${deadBelow}\`; ` +
        'for neurons that never fire there is --dead silent.',
      'bad-limit',
    );
  }
  return { firing, threshold, dead, deadBelow };
}

/**
 * Indices of the dead neurons, increasing.
 *
 * A neuron that never had a finite value is not dead: nothing is known of it, it is counted as `nonFinite`. So
 * nothing is dead where nothing was seen. Where all activations of the site are zero, all neurons are dormant.
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
 * Dormancy scores, [neurons]: mean |a| of the neuron over the site's mean of that (Sokar et al. 2023, eq. 1).
 * 0 where the whole site is zero; NaN for a neuron without finite values, which is left out of the site's mean.
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
