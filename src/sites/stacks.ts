import type { Graph, Node, Value } from '../graph/graph.js';
import { reachableBackward } from '../graph/traversal.js';
import { isFloat } from '../onnx/data-types.js';
import { addedTo } from '../patterns/residual-add.js';
import { addsInStream } from '../patterns/residual-stream.js';
import type { Unit } from './units.js';

/** Units that share one residual stream, in execution order. */
export interface Stack {
  /** `''` when the model has one stack only. */
  name: string;
  units: Unit[];
}

/**
 * Units by the residual stream they read and add to. An encoder and a decoder have one each, since cross-attention takes the
 * encoder's result through its key and value projections and not by the stream; so have the towers of CLIP. Units without a
 * stream, and all of a model without attention (plain MLPs, convolutions, graph networks), are one stack.
 */
export function findStacks(graph: Graph, units: Unit[]): Stack[] {
  const stacks = units.some(({ kind }) => kind === 'attention') ? components(units) : [units];
  if (stacks.length === 1) return [{ name: '', units }];
  const names = stackNames(graph, stacks);
  return stacks.map((members, i) => ({ name: names[i]!, units: members }));
}

function components(units: Unit[]): Unit[][] {
  const byAdd = new Map<Node, Unit[]>();
  for (const unit of units) {
    if (unit.residual) byAdd.set(unit.residual.node, [...(byAdd.get(unit.residual.node) ?? []), unit]);
  }
  const group = new Map<Unit, Set<Unit>>(units.map((unit) => [unit, new Set([unit])]));
  const join = (a: Unit, b: Unit): void => {
    const [into, from] = [group.get(a)!, group.get(b)!];
    if (into === from) return;
    for (const unit of from) {
      into.add(unit);
      group.set(unit, into);
    }
  };
  for (const members of byAdd.values()) for (const unit of members) join(members[0]!, unit);
  for (const [i, unit] of units.entries()) {
    // Where the addition was not found, the unit before is the best guess.
    if (!unit.residual) {
      join(units[Math.max(0, i - 1)]!, unit);
      continue;
    }
    const { stream, sum } = unit.residual;
    const adds = [
      ...addsInStream(stream, byAdd),
      ...addedTo(sum).flatMap((other) => addsInStream(other, byAdd, 'straight')),
    ];
    for (const add of adds) join(unit, byAdd.get(add)![0]!);
  }
  return [...new Set(group.values())].map((members) => [...members].sort((a, b) => a.order - b.order));
}

/** `encoder` and `decoder` where one of two stacks reads the other's result; else what goes in: `text`, `vision`, `audio`. */
function stackNames(graph: Graph, stacks: Unit[][]): string[] {
  const reached = stacks.map((units) =>
    reachableBackward(units.flatMap(({ residual }) => (residual ? [residual.sum] : []))),
  );
  const dependsOn = (a: number, b: number): boolean =>
    stacks[b]!.some(({ residual }) => residual && reached[a]!.has(residual.node));
  if (stacks.length === 2) {
    if (dependsOn(1, 0)) return ['encoder', 'decoder'];
    if (dependsOn(0, 1)) return ['decoder', 'encoder'];
  }
  const taken = new Set<string>();
  return stacks.map((_, i) => {
    const inputs = graph.inputs.filter((input) => input.uses.some(({ node }) => reached[i]!.has(node)));
    const name = inputs.map(kindOfInput).find((kind) => kind !== null) ?? 'stack';
    let free = name;
    for (let n = 1; taken.has(free); n++) free = `${name}${n}`;
    taken.add(free);
    return free;
  });
}

function kindOfInput({ name, type }: Value): string | null {
  if (/input_ids$/.test(name)) return 'text';
  if (!type || !isFloat(type.elemType)) return null;
  if (type.shape?.length === 4) return 'vision';
  return /features|audio|speech/.test(name) ? 'audio' : null;
}
