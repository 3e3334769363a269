import type { Value } from '../graph/graph.js';
import { additionUpstream } from '../patterns/residual-add.js';
import type { MlpUnit } from './units.js';

/**
 * For each activation function of a model without attention the residual block that it belongs to, counted from 0;
 * `null` for those in none (a stem, a plain network).
 *
 * A block of a ResNet ends with an activation of F(x) + x. What lies between the source of the shortcut x and that
 * addition is inside. Units must be in execution order.
 */
export function residualBlocks(units: readonly MlpUnit[]): (number | null)[] {
  const posts = new Map<Value, number>(
    units.map((unit, i) => [unit.gate?.product ?? unit.activation.post, i]),
  );
  const blocks: (number | null)[] = units.map(() => null);
  let count = 0;
  let closed = -1;
  for (const [i, unit] of units.entries()) {
    const addition = additionUpstream(unit.activation.pre);
    if (!addition) continue;
    const before = addition.inputs.map((input) => (input ? nearest(input, posts) : []));
    // A branch that comes from the input of the graph has no unit before it.
    const source = before.some((found) => found.length === 0) ? -1 : Math.min(...before.flat());
    for (let k = Math.max(source, closed) + 1; k <= i; k++) blocks[k] = count;
    closed = i;
    count++;
  }
  return blocks;
}

/** The units whose results a value is computed from without another unit between. */
function nearest(value: Value, posts: ReadonlyMap<Value, number>): number[] {
  const found = new Set<number>();
  const seen = new Set<Value>();
  const open = [value];
  for (let at = open.pop(); at; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const unit = posts.get(at);
    if (unit !== undefined) found.add(unit);
    else for (const input of at.producer?.inputs ?? []) if (input) open.push(input);
  }
  return [...found];
}
