import { deadNeurons } from '../../stats/criteria.js';
import type { Counters, Criterion } from '../../stats/types.js';

/** Values that the neurons of one tensor had on the data, and on a second data set if there is one. */
export interface Evidence {
  neurons: number;
  /** Returns true if the neuron had one finite value at every position of the data. */
  isConstant(index: number): boolean;
  /**
   * Returns true if it had this value at every position of the second data, too; always without second data.
   */
  isConfirmed(index: number): boolean;
  /** Value that the neuron always had, or its mean. */
  value(index: number): number;
  /** Returns the neurons that a criterion calls dead on all data. */
  dead(criterion: Pick<Criterion, 'dead' | 'deadBelow'>): Set<number>;
}

export function evidenceOf(first: Counters, second: Counters | null): Evidence {
  return {
    neurons: first.min.length,
    isConstant: (index) => isConstant(first, index),
    isConfirmed: (index) =>
      second === null || (isConstant(second, index) && second.min[index] === first.min[index]),
    value: (index) => (isConstant(first, index) ? first.min[index]! : mean(first, index)),
    dead(criterion) {
      const dead = deadNeurons(first, criterion);
      const confirmed = second && new Set(deadNeurons(second, criterion));
      return new Set(confirmed ? dead.filter((index) => confirmed.has(index)) : dead);
    },
  };
}

function isConstant({ positions, nonFinite, min, max }: Counters, index: number): boolean {
  const value = min[index]!;
  return positions > 0 && nonFinite[index] === 0 && value === max[index] && Number.isFinite(value);
}

/** Returns the mean of the finite values; 0 if there are none. */
function mean({ positions, nonFinite, sum }: Counters, index: number): number {
  const finite = positions - nonFinite[index]!;
  return finite > 0 ? sum[index]! / finite : 0;
}
