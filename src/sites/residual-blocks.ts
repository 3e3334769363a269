import { follow } from '../graph/follow.js';
import type { Value } from '../graph/graph.js';
import { additionUpstream } from '../patterns/residual-add.js';
import type { MlpUnit } from './unit.js';

/**
 * Returns for each activation function of a model without attention the number of its residual block, counted
 * from 0; `null` for those in none (a stem, a plain network).
 *
 * A block of a ResNet ends with an activation of F(x) + x. What lies between the source of the shortcut x and
 * that addition is inside.
 *
 * @param units In execution order.
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
    const before = addition.inputs.map((input) => (input ? unitsUpstream(input, posts) : []));
    // A branch that comes from the input of the graph has no unit before it.
    const source = before.some((found) => found.length === 0) ? -1 : Math.min(...before.flat());
    for (let k = Math.max(source, closed) + 1; k <= i; k++) blocks[k] = count;
    closed = i;
    count++;
  }
  return blocks;
}

/** Returns the units whose results a value is computed from, without another unit between. */
function unitsUpstream(value: Value, posts: ReadonlyMap<Value, number>): number[] {
  const found: number[] = [];
  for (const at of follow(value, 'upstream', ({ from }) => !posts.has(from), Infinity)) {
    const unit = posts.get(at);
    if (unit !== undefined) found.push(unit);
  }
  return found;
}
