import type { Value } from '../../graph/graph.js';
import type { Site } from '../../sites/types.js';
import { deadNeurons } from '../../stats/criteria.js';
import type { Counters, Criterion } from '../../stats/types.js';
import type { Folded } from './bias.js';
import type { Cut, DimsOf, LinearEnd } from './cut.js';
import { contribution } from './fold.js';
import { planRemoval, type RemovalPlan } from './plan.js';

/** What the neurons of a tensor did on the data: the site itself, or the input of a layer that reads it. */
export interface Watched {
  value: Value;
  /** As in a site: -1, or 1 for a convolution. */
  axis: number;
}

export interface ChooseOptions {
  dimsOf: DimsOf;
  /** Widths stay multiples of this. */
  align: number;
  /** Neurons of the site that go already, since another site has them too (a depthwise convolution between). */
  taken: ReadonlySet<number>;
  /** Given: neurons dead by it are removed too, as if they always had their mean value. */
  wider: Pick<Criterion, 'dead' | 'deadBelow'> | null;
}

/** What becomes of a site. */
export interface Choice {
  site: Site;
  neurons: number;
  /** Increasing. */
  removed: number[];
  plan: RemovalPlan | null;
  folded: Folded[];
  /** Of the removed: neurons that always were zero, and others, whose value goes into the next bias. */
  zero: number;
  constant: number;
  kept: { reason: string; neurons: number[] }[];
  /** Why no neuron of the site can be removed at all. */
  refused: string | null;
}

/** Tensors beside the site that must be watched to know whether its neurons are constant where they are read. */
export function watchedBehind(plan: RemovalPlan): Watched[] {
  const places = plan.ends.map((end) => watchedAt(plan, end));
  const others = places.filter(({ value }) => value !== plan.site.value);
  return others.filter(({ value }, i) => others.findIndex((other) => other.value === value) === i);
}

/** Where to watch the input of a layer: in front of what only moves or quantizes it. */
function watchedAt({ site, cuts }: RemovalPlan, { node, cut }: LinearEnd): Watched {
  let value = node.input!;
  for (;;) {
    const before = value === site.value ? null : value.producer;
    const source = before?.input;
    const same = source && cuts.get(source);
    if (!before || !same || same.width !== cut.width || !passes.has(before.opType)) break;
    value = source;
  }
  return { value, axis: cuts.get(value)!.axis === -1 ? -1 : 1 };
}

const passes = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'DynamicQuantizeLinear']);

/**
 * Chooses the neurons of a site to remove: those that had one and the same value at every position, at the site and
 * wherever a layer reads them.
 *
 * @param countersOf What was counted at a watched tensor.
 */
export function chooseNeurons(
  site: Site,
  countersOf: (value: Value) => Counters,
  { dimsOf, align, wider, taken }: ChooseOptions,
): Choice {
  const counters = countersOf(site.value);
  const neurons = counters.min.length;
  const choice: Choice = {
    site: { ...site, neurons },
    neurons,
    removed: [...taken].sort((a, b) => a - b),
    plan: null,
    folded: [],
    zero: 0,
    constant: 0,
    kept: [],
    refused: null,
  };
  const count = () => {
    choice.zero = choice.removed.filter((n) => value(counters, n) === 0).length;
    choice.constant = choice.removed.length - choice.zero;
    return choice;
  };
  const dead = new Set(wider ? deadNeurons(counters, wider) : []);
  const constants = indices(neurons, (i) => isConstant(counters, i));
  const candidates = [...new Set([...constants, ...dead])].filter((n) => !taken.has(n)).sort((a, b) => a - b);
  const keep = (reason: string, which: number[]) => {
    if (which.length > 0) choice.kept.push({ reason, neurons: which });
  };
  const probe = planRemoval(choice.site, candidates.length > 0 ? candidates : [0], dimsOf);
  if ('reason' in probe) {
    choice.refused = probe.reason;
    keep(probe.reason, candidates);
    return count();
  }
  if (candidates.length === 0) return count();
  const lost = new Map<number, string>();
  for (const end of probe.ends) {
    const { value } = watchedAt(probe, end);
    const there = countersOf(value);
    for (const [index, neuron] of probe.cuts.get(value)!.removed) {
      if (!dead.has(neuron) && !isConstant(there, index))
        lost.set(neuron, 'other values are added to it before it is read');
      else if (end.onlyZero && !dead.has(neuron) && meanOf(there, index) !== 0)
        lost.set(neuron, `constant but not zero, and ${end.onlyZero}`);
    }
  }
  for (const reason of new Set(lost.values()))
    keep(
      reason,
      candidates.filter((n) => lost.get(n) === reason),
    );
  const removable = candidates.filter((n) => !lost.has(n));
  const left = neurons - taken.size;
  const width = Math.min(left, Math.max(align, Math.ceil((left - removable.length) / align) * align));
  // What is put back costs the same anywhere; those that would have to be folded go first.
  const order = [...removable].sort(
    (a, b) => Number(value(counters, a) !== 0) - Number(value(counters, b) !== 0),
  );
  const chosen = order.slice(0, Math.min(removable.length, left - width)).sort((a, b) => a - b);
  const back = removable.filter((n) => !chosen.includes(n));
  keep(align > 1 ? `the width stays a multiple of ${align}` : 'a layer keeps one neuron', back);
  if (chosen.length === 0) return count();
  const plan = planRemoval(choice.site, chosen, dimsOf);
  if ('reason' in plan) {
    choice.refused = plan.reason;
    keep(plan.reason, chosen);
    return count();
  }
  for (const end of plan.ends) {
    const { value: there } = watchedAt(plan, end);
    const folded = fold(end, plan.cuts.get(there)!, countersOf(there));
    if (folded) choice.folded.push(folded);
    else {
      choice.refused = `the weights of ${end.node.name} are computed, so that constants cannot be folded`;
      keep(choice.refused, chosen);
      choice.folded = [];
      return count();
    }
  }
  choice.plan = plan;
  choice.removed = [...choice.removed, ...chosen].sort((a, b) => a - b);
  return count();
}

function fold(end: LinearEnd, watched: Cut, counters: Counters): Folded | null {
  // The watched tensor may lie before a move: the indices along the axis are the same.
  const constants = new Map([...watched.removed.keys()].map((index) => [index, value(counters, index)]));
  // Where nothing can be folded only zeros were chosen, or what was asked for at the price of a change.
  if (end.onlyZero || [...constants.values()].every((constant) => constant === 0)) {
    return { end, sums: new Float64Array(0) };
  }
  const sums = contribution(end, constants);
  return sums && { end, sums };
}

const indices = (count: number, is: (i: number) => boolean): number[] =>
  Array.from({ length: count }, (_, i) => i).filter(is);

/** One value at every position, and a finite one. */
function isConstant({ positions, nonFinite, min, max }: Counters, i: number): boolean {
  return positions > 0 && nonFinite[i] === 0 && min[i] === max[i] && Number.isFinite(min[i]);
}

function meanOf({ positions, nonFinite, sum }: Counters, i: number): number {
  const finite = positions - nonFinite[i]!;
  return finite > 0 ? sum[i]! / finite : 0;
}

/** The value a neuron always had, or its mean. */
function value(counters: Counters, i: number): number {
  return isConstant(counters, i) ? counters.min[i]! : meanOf(counters, i);
}
