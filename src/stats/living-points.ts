/** Data points of a rectifier network that reach a layer alive: neither it nor a layer before it is zero there. */
export interface LivingPoints {
  points: number;
  alive: number;
}

/** Merge rule: both numbers add; what one side, having seen data, did not count is not known of the whole. */
export function mergeLivingPoints(
  a: { positions: number; livingPoints?: LivingPoints },
  b: { positions: number; livingPoints?: LivingPoints },
): LivingPoints | undefined {
  if (a.positions === 0) return b.livingPoints && { ...b.livingPoints };
  if (b.positions === 0) return a.livingPoints && { ...a.livingPoints };
  if (!a.livingPoints || !b.livingPoints) return undefined;
  return {
    points: a.livingPoints.points + b.livingPoints.points,
    alive: a.livingPoints.alive + b.livingPoints.alive,
  };
}

/**
 * The life of each layer from what was seen there: `positive[layer][point]` is 1 where some unit is above zero. A point
 * that one layer kills is dead from there on. `null` when the layers don't have the same points.
 *
 * @param counts Which points count (padding does not); all when `null`.
 */
export function livingPointsByLayer(
  positive: ArrayLike<number>[],
  counts: ArrayLike<number> | null,
): LivingPoints[] | null {
  const points = positive[0]?.length ?? 0;
  if (positive.some(({ length }) => length !== points) || (counts && counts.length !== points)) return null;
  const alive = Uint8Array.from({ length: points }, (_, point) => (counts === null || counts[point] ? 1 : 0));
  const total = alive.reduce((sum, one) => sum + one, 0);
  return positive.map((layer) => {
    let living = 0;
    for (let point = 0; point < points; point++) {
      if (!layer[point]) alive[point] = 0;
      living += alive[point]!;
    }
    return { points: total, alive: living };
  });
}
