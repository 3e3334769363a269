import { finitePositions, neuronsOf } from './counters.js';
import { DEFAULT_DEAD_BELOW, dormancy } from './criteria.js';
import type { Counters } from './types.js';

/** Conditions of neurons that are counted besides the chosen criterion, in the order of the report. */
export const FLAGS = ['silent', 'neverPositive', 'dormant', 'constant', 'saturated', 'nonFinite'] as const;
export type Flag = (typeof FLAGS)[number];

/** A neuron is constant if its range is no wider than this share of its largest magnitude. */
const CONSTANT_RANGE = 0.001;

/**
 * A Tanh or Sigmoid neuron is saturated if it is near its limits at this share of positions or more, so
 * active at no more than 1 % of them: the default of SageMaker Debugger's rule SaturatedActivation.
 */
const SATURATED_SHARE = 0.99;

/**
 * Finds the neurons that carry each flag, as increasing indices. Only finite values count: a neuron without
 * any carries `nonFinite` and no other flag. A neuron that was zero everywhere is constant, too.
 */
export function flaggedNeurons(counters: Counters): Record<Flag, number[]> {
  const flagged: Record<Flag, number[]> = {
    silent: [],
    neverPositive: [],
    dormant: [],
    constant: [],
    saturated: [],
    nonFinite: [],
  };
  const scores = dormancy(counters);
  for (let i = 0; i < neuronsOf(counters); i++) {
    if (counters.nonFinite[i]! > 0) flagged.nonFinite.push(i);
    const finite = finitePositions(counters, i);
    if (!(finite > 0)) continue;
    if (counters.fired[i] === 0) flagged.silent.push(i);
    if (counters.positive[i] === 0) flagged.neverPositive.push(i);
    if (scores[i]! <= DEFAULT_DEAD_BELOW.dormant!) flagged.dormant.push(i);
    if (isConstant(counters.min[i]!, counters.max[i]!)) flagged.constant.push(i);
    if (counters.saturated[i]! >= SATURATED_SHARE * finite) flagged.saturated.push(i);
  }
  return flagged;
}

/** Counts the neurons that carry each flag. */
export function countFlags(counters: Counters): Record<Flag, number> {
  const flagged = flaggedNeurons(counters);
  return Object.fromEntries(FLAGS.map((flag) => [flag, flagged[flag].length])) as Record<Flag, number>;
}

function isConstant(min: number, max: number): boolean {
  return max - min <= CONSTANT_RANGE * Math.max(Math.abs(min), Math.abs(max));
}
