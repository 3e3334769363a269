import type { Value } from '../../graph/graph.js';
import type { Site } from '../../sites/types.js';
import type { Criterion } from '../../stats/types.js';
import type { BiasAddition } from './edit/add-to-bias.js';
import { contribution } from './edit/contribution.js';
import type { Evidence } from './evidence.js';
import type { Prover } from './proof/prover.js';
import { readBy } from './read-tensors.js';
import { planRemoval, type RemovalPlan } from './removal/plan.js';
import { fromEnd, type ShapeOf, type SummingLayer } from './removal/removal.js';

/** Facts about the neurons, and what the user allows. */
export interface ChooseOptions {
  shapeOf: ShapeOf;
  /** Returns the evidence of a watched tensor. */
  evidenceAt(value: Value): Evidence;
  prover: Prover;
  /** True if neurons that are not proven to be constant for every input must stay. */
  onlyProven: boolean;
  /**
   * Neurons that this criterion calls dead are removed too, as if they always had their mean value; `null`:
   * none.
   */
  criterion: Pick<Criterion, 'dead' | 'deadBelow'> | null;
  /** Widths stay multiples of this. */
  align: number;
  /**
   * Neurons that a removal at another site removes, since a depthwise convolution gives both sites the same.
   */
  taken: ReadonlySet<number>;
}

/** Neurons of one site that are removed and that stay. */
export interface Choice {
  site: Site;
  neurons: number;
  /** Increasing. */
  removed: number[];
  /** `null` when nothing is removed here. */
  plan: RemovalPlan | null;
  additions: BiasAddition[];
  /** Number of removed neurons that always were zero. */
  zero: number;
  /** Number of removed neurons that are proven to be constant for every input. */
  proven: number;
  kept: { reason: string; neurons: number[] }[];
  /** Reason why no neuron of the site can be removed. */
  refused: string | null;
}

/**
 * Chooses the neurons of a site to remove: those that had one value at every position, at the site and
 * wherever a layer reads them.
 */
export function chooseNeurons(site: Site, options: ChooseOptions): Choice {
  const { taken, shapeOf, criterion } = options;
  const evidence = options.evidenceAt(site.value);
  const { neurons } = evidence;
  const here = { ...site, neurons };
  const dead = criterion ? evidence.dead(criterion) : new Set<number>();
  const candidates = Array.from({ length: neurons }, (_, n) => n).filter(
    (n) => !taken.has(n) && (evidence.isConstant(n) || dead.has(n)),
  );
  const trial = planRemoval(here, candidates.length > 0 ? candidates : [0], shapeOf);
  if ('reason' in trial) return keepAll(here, candidates, trial.reason, options);
  const proven = provenNeurons(trial, candidates, options);
  const obstacles = obstaclesOf(trial, candidates, { dead, proven }, options);
  const removable = candidates.filter((n) => !obstacles.has(n));
  const chosen = aligned(removable, evidence, options);
  const surplus = removable.filter((n) => !chosen.includes(n));
  const { align } = options;
  const reason = align > 1 ? `the width stays a multiple of ${align}` : 'a layer keeps one neuron';
  for (const n of surplus) obstacles.set(n, reason);
  if (chosen.length === 0) return choiceOf(here, { chosen, obstacles, proven }, options);
  const plan = planRemoval(here, chosen, shapeOf);
  if ('reason' in plan) return keepAll(here, candidates, plan.reason, options);
  const additions: BiasAddition[] = [];
  for (const layer of plan.summingLayers) {
    const sums = sumsAt(layer, plan, options);
    if (!sums) {
      const cause = `constants cannot be added to a bias after ${layer.node.name}, whose weights are computed`;
      return keepAll(here, candidates, cause, options);
    }
    additions.push({ layer, sums });
  }
  return { ...choiceOf(here, { chosen, obstacles, proven }, options), plan, additions };
}

/** Nothing can be removed from the site but what another site's removal takes. */
function keepAll(site: Site, candidates: readonly number[], refused: string, options: ChooseOptions): Choice {
  const obstacles = new Map(candidates.map((n) => [n, refused]));
  return { ...choiceOf(site, { chosen: [], obstacles, proven: new Set() }, options), refused };
}

interface Chosen {
  chosen: readonly number[];
  /** Reasons of the neurons that stay. */
  obstacles: ReadonlyMap<number, string>;
  proven: ReadonlySet<number>;
}

function choiceOf(site: Site, { chosen, obstacles, proven }: Chosen, options: ChooseOptions): Choice {
  const { taken, evidenceAt, prover } = options;
  const provenTaken = prover.constantNeurons(site.value, axisOf(site, options), taken);
  const evidence = evidenceAt(site.value);
  const removed = [...taken, ...chosen].sort((a, b) => a - b);
  const reasons = [...new Set(obstacles.values())];
  return {
    site,
    neurons: evidence.neurons,
    removed,
    plan: null,
    additions: [],
    zero: removed.filter((n) => evidence.value(n) === 0).length,
    proven: removed.filter((n) => proven.has(n) || provenTaken.has(n)).length,
    kept: reasons.map((reason) => ({
      reason,
      neurons: [...obstacles.keys()].filter((n) => obstacles.get(n) === reason).sort((a, b) => a - b),
    })),
    refused: null,
  };
}

/** Returns the site's axis of neurons, counted from the end. */
function axisOf({ value, axis }: Site, { shapeOf }: ChooseOptions): number {
  return fromEnd(axis, shapeOf(value)?.length ?? 0);
}

/** Returns the neurons that are proven to be constant, at the site and wherever a layer reads them. */
function provenNeurons(
  plan: RemovalPlan,
  candidates: readonly number[],
  { prover }: ChooseOptions,
): Set<number> {
  const proven = new Set(candidates);
  const values = new Set([plan.site.value, ...plan.summingLayers.map((layer) => readBy(layer, plan))]);
  for (const value of values) {
    const { axis, removed } = plan.computed.get(value)!;
    const indices = [...removed.keys()].filter((index) => proven.has(removed.get(index)!));
    const constant = prover.constantNeurons(value, axis, new Set(indices));
    for (const index of indices) if (!constant.has(index)) proven.delete(removed.get(index)!);
  }
  return proven;
}

/** Returns the candidates that must stay, each with the reason. */
function obstaclesOf(
  plan: RemovalPlan,
  candidates: readonly number[],
  { dead, proven }: { dead: ReadonlySet<number>; proven: ReadonlySet<number> },
  { evidenceAt, onlyProven }: ChooseOptions,
): Map<number, string> {
  const found = new Map<number, string>();
  const atSite = evidenceAt(plan.site.value);
  for (const neuron of candidates) {
    if (onlyProven && !proven.has(neuron)) {
      found.set(neuron, 'not proven to have one value for every input');
    } else if (!dead.has(neuron) && !atSite.isConfirmed(neuron)) {
      found.set(neuron, 'it has other values on the second data');
    }
  }
  if (candidates.length === 0) return found;
  for (const layer of plan.summingLayers) {
    const value = readBy(layer, plan);
    const evidence = evidenceAt(value);
    for (const [index, neuron] of plan.computed.get(value)!.removed) {
      if (dead.has(neuron) || found.has(neuron)) continue;
      if (!(evidence.isConstant(index) && evidence.isConfirmed(index)))
        found.set(neuron, 'other values are added to it before it is read');
      else if (layer.biasObstacle && evidence.value(index) !== 0) {
        found.set(neuron, `constant but not zero, and ${layer.biasObstacle}`);
      }
    }
  }
  return found;
}

/**
 * Returns as many neurons as leave a width that is a multiple of `align`. Zeros go first: they need no bias.
 */
function aligned(
  removable: readonly number[],
  { neurons, value }: Evidence,
  { align, taken }: ChooseOptions,
): number[] {
  const width = neurons - taken.size;
  const left = Math.ceil((width - removable.length) / align) * align;
  const count = width - Math.min(width, Math.max(align, left));
  const zeros = removable.filter((n) => value(n) === 0);
  const others = removable.filter((n) => value(n) !== 0);
  return [...zeros, ...others].slice(0, count).sort((a, b) => a - b);
}

/** Returns what removed neurons have added to a layer's outputs; `null` if its weights are not known. */
function sumsAt(layer: SummingLayer, plan: RemovalPlan, { evidenceAt }: ChooseOptions): Float64Array | null {
  // The watched tensor may be a copy in another shape: the indices along the neurons' axis are the same.
  const value = readBy(layer, plan);
  const evidence = evidenceAt(value);
  const constants = new Map(
    [...plan.computed.get(value)!.removed.keys()].map((index) => [index, evidence.value(index)]),
  );
  const areZeros = [...constants.values()].every((constant) => constant === 0);
  // Where a bias cannot take them only zeros are removed, or neurons that a criterion calls dead, at a price.
  return layer.biasObstacle || areZeros ? new Float64Array(0) : contribution(layer.node, constants);
}
