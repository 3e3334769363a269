import { deadNeurons } from '../../stats/criteria.js';
import type { Counters, Criterion } from '../../stats/types.js';

/** Values that the neurons of one tensor had on the data. */
export interface Evidence {
  neurons: number;
  /** Returns true if the neuron had one finite value at every position. */
  isConstant(index: number): boolean;
  /** Value that the neuron always had, or its mean. */
  value(index: number): number;
  /** Neurons that a criterion calls dead. */
  dead(criterion: Pick<Criterion, 'dead' | 'deadBelow'>): Set<number>;
}

export function evidenceOf(counters: Counters): Evidence {
  const isConstant = (index: number): boolean => {
    const { positions, nonFinite, min, max } = counters;
    const value = min[index]!;
    return positions > 0 && nonFinite[index] === 0 && value === max[index] && Number.isFinite(value);
  };
  return {
    neurons: counters.min.length,
    isConstant,
    value: (index) => (isConstant(index) ? counters.min[index]! : mean(counters, index)),
    dead: (criterion) => new Set(deadNeurons(counters, criterion)),
  };
}

/** Returns the mean of the finite values; 0 if there are none. */
function mean({ positions, nonFinite, sum }: Counters, index: number): number {
  const finite = positions - nonFinite[index]!;
  return finite > 0 ? sum[index]! / finite : 0;
}
