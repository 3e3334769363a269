import type { AxisRemoval } from './removal.js';

/**
 * Returns the removal from a tensor with the same elements in another shape; `null` when the neurons have no
 * axis there. The axis may gain or lose inner neighbours, so that a neuron becomes a run of indices: [N, C,
 * H, W] → [N, C·H·W]. It may not be joined with outer axes.
 */
export function reshaped(
  removal: AxisRemoval,
  from: readonly number[],
  to: readonly number[],
): AxisRemoval | null {
  const axis = from.length + removal.axis;
  const outer = product(from.slice(0, axis));
  const inner = product(from.slice(axis));
  for (const [index, width] of to.entries()) {
    if (product(to.slice(0, index)) !== outer) continue;
    const target = { axis: index - to.length, width };
    if (width === removal.width) return { ...removal, ...target };
    if (width === 1) continue;
    if (width % removal.width === 0 && inner % width === 0) {
      return { ...target, removed: asRuns(removal.removed, width / removal.width) };
    }
    if (removal.width % width === 0) {
      const removed = fromRuns(removal.removed, removal.width / width);
      return removed && { ...target, removed };
    }
  }
  return null;
}

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

/** Each index becomes `length` neighbouring ones. */
function asRuns(removed: AxisRemoval['removed'], length: number): Map<number, number> {
  const runs = [...removed].flatMap(([index, neuron]) =>
    Array.from({ length }, (_, i): [number, number] => [index * length + i, neuron]),
  );
  return new Map(runs);
}

/** Each `length` neighbouring indices become one; `null` when only some of them are removed. */
function fromRuns(removed: AxisRemoval['removed'], length: number): Map<number, number> | null {
  const whole = new Map<number, number>();
  for (const [index, neuron] of removed) if (index % length === 0) whole.set(index / length, neuron);
  const isComplete = [...whole.keys()].every((index) =>
    Array.from({ length }, (_, i) => removed.has(index * length + i)).every(Boolean),
  );
  return isComplete && whole.size * length === removed.size ? whole : null;
}
