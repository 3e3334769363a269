import type { LayerId } from './layers.js';
import type { MlpUnit, Unit } from './unit.js';

/**
 * Returns the layers of a model's heads: each follows the last layer of the stack that ends before it.
 * Several heads after one layer are the parts `head1`, `head2`, ….
 */
export function headLayers(
  heads: readonly MlpUnit[],
  arranged: readonly { unit: Unit; id: LayerId }[],
): LayerId[] {
  const next = new Map<string, number>();
  for (const { unit, id } of arranged) {
    // An attention without an MLP in its layer leaves the place to the head.
    const after = unit.kind === 'mlp' ? id.layer + 1 : id.layer;
    next.set(id.stack, Math.max(after, next.get(id.stack) ?? 0));
  }
  const byOrder = [...arranged].sort((a, b) => a.unit.order - b.unit.order);
  let seen = 0;
  const ids = heads.map(({ order }): LayerId => {
    while (seen < byOrder.length && byOrder[seen]!.unit.order < order) seen++;
    const stack = byOrder[seen - 1]?.id.stack ?? '';
    return { stack, layer: next.get(stack) ?? 0, part: '' };
  });
  return named(ids);
}

function named(ids: LayerId[]): LayerId[] {
  const groups = new Map<string, LayerId[]>();
  for (const id of ids) {
    const group = groups.get(id.stack);
    if (group) group.push(id);
    else groups.set(id.stack, [id]);
  }
  for (const group of groups.values()) {
    if (group.length > 1) for (const [i, id] of group.entries()) id.part = `head${i + 1}`;
  }
  return ids;
}
