import { follow } from '../graph/follow.js';
import type { Graph, Node } from '../graph/graph.js';
import { topologicalOrder } from '../graph/traversal.js';
import { addedTo } from '../patterns/residual-add.js';
import { addsInStream } from '../patterns/residual-stream.js';
import { residualBlocks } from './residual-blocks.js';
import { stackNames } from './stack-names.js';
import { isConvolutional, type MlpUnit, type Unit } from './unit.js';

/** Units that share one residual stream. */
export interface Stack {
  /** `''` for the only stack of a model, or the only one with attention. */
  name: string;
  /** In execution order. */
  units: Unit[];
}

/**
 * Returns units by the residual stream that they read and add to.
 *
 * An encoder and a decoder have a stream each, since cross-attention takes the encoder's result through its
 * key and value projections and not by the stream; so have the towers of CLIP. The convolutions around a
 * transformer, its stem or its backbone, are one stack more, `conv`. Units of a model without attention
 * (plain MLPs, convolutions, graph networks) are one stack.
 */
export function findStacks(graph: Graph, units: Unit[]): Stack[] {
  if (!units.some(({ kind }) => kind === 'attention'))
    return [{ name: '', units: inBlocks(units as MlpUnit[]) }];
  const isLoose = (unit: Unit): boolean => unit.kind === 'mlp' && !unit.residual && isConvolutional(unit);
  const groups = components(units.filter((unit) => !isLoose(unit)));
  const isBackbone = (group: Unit[]): boolean =>
    group.every(({ kind }) => kind === 'mlp') && group.some((unit) => isConvolutional(unit as MlpUnit));
  const streams = groups.filter((group) => !isBackbone(group));
  const convolutions = [...units.filter(isLoose), ...groups.filter(isBackbone).flat()] as MlpUnit[];
  const names = streams.length === 1 ? [''] : stackNames(graph, streams);
  const position = new Map(topologicalOrder(graph).map((node, i) => [node, i]));
  const stacks = streams.map((members, i) => ({ name: names[i]!, units: withExperts(members, position) }));
  if (convolutions.length === 0) return stacks;
  return [{ name: 'conv', units: inBlocks(convolutions.sort((a, b) => a.order - b.order)) }, ...stacks];
}

/** Groups of units that are connected by their residual streams. */
function components(units: Unit[]): Unit[][] {
  const byAdd = new Map<Node, Unit[]>();
  for (const unit of units) {
    if (!unit.residual) continue;
    const members = byAdd.get(unit.residual.node);
    if (members) members.push(unit);
    else byAdd.set(unit.residual.node, [unit]);
  }
  const sets = new DisjointSets(units);
  for (const members of byAdd.values()) for (const unit of members) sets.join(members[0]!, unit);
  for (const [i, unit] of units.entries()) {
    if (!unit.residual) {
      // Its addition was not found: the unit before it is the best guess.
      sets.join(units[Math.max(0, i - 1)]!, unit);
      continue;
    }
    const { stream, sum } = unit.residual;
    const adds = [
      ...addsInStream(stream, byAdd),
      ...addedTo(sum).flatMap((other) => addsInStream(other, byAdd, 'straight')),
    ];
    for (const add of adds) sets.join(unit, byAdd.get(add)![0]!);
  }
  return sets.all();
}

/** Sets that are joined (union–find with path halving): near-linear. */
class DisjointSets<T> {
  readonly #parent: Map<T, T>;

  constructor(items: readonly T[]) {
    this.#parent = new Map(items.map((item) => [item, item]));
  }

  join(a: T, b: T): void {
    this.#parent.set(this.#root(b), this.#root(a));
  }

  /** The sets in the order of their first items. */
  all(): T[][] {
    const sets = new Map<T, T[]>();
    for (const item of this.#parent.keys()) {
      const root = this.#root(item);
      const members = sets.get(root);
      if (members) members.push(item);
      else sets.set(root, [item]);
    }
    return [...sets.values()];
  }

  #root(item: T): T {
    let at = item;
    for (let up = this.#parent.get(at)!; up !== at; up = this.#parent.get(at)!) {
      this.#parent.set(at, this.#parent.get(up)!);
      at = up;
    }
    return at;
  }
}

/** Marks MLPs that do not depend on the MLP right before them. */
function withExperts(units: readonly Unit[], position: ReadonlyMap<Node, number>): Unit[] {
  return units.map((unit, i) => {
    const before = units[i - 1];
    if (unit.kind !== 'mlp' || before?.kind !== 'mlp') return unit;
    return { ...unit, beside: !isUpstream(before.activation.post.producer!, unit, position) };
  });
}

/** Looks only at nodes that run after the earlier one, so that all calls together are linear. */
function isUpstream(earlier: Node, { activation }: MlpUnit, position: ReadonlyMap<Node, number>): boolean {
  const start = position.get(earlier)!;
  const walk = follow(
    activation.pre,
    'upstream',
    ({ to }) => to.producer !== null && position.get(to.producer)! >= start,
    Infinity,
  );
  for (const { producer } of walk) if (producer === earlier) return true;
  return false;
}

function inBlocks(units: MlpUnit[]): MlpUnit[] {
  const blocks = residualBlocks(units);
  return units.map((unit, i) => ({ ...unit, block: blocks[i]! }));
}
