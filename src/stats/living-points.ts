/**
 * Data points of a rectifier network that reach a layer alive: at such a point neither that layer nor one
 * before it is zero in all its units.
 */
export interface LivingPoints {
  /** Number of data points seen. */
  points: number;
  /** Number of those that are alive. */
  alive: number;
}

/**
 * Merges the living points of two counters. Merge rule: both numbers add. If one side saw data and did not
 * count them, the number of the whole is unknown.
 */
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
 * Counts the living points of each layer. A point that one layer kills is dead at all layers after it.
 *
 * @param positive For each layer [points]: 1 if some unit is above zero at the point.
 * @param counts For each point: 0 if it does not count (padding); `null` if all count.
 * @returns `null` if the layers do not have the same points.
 */
export function livingPointsByLayer(
  positive: ArrayLike<number>[],
  counts: ArrayLike<number> | null,
): LivingPoints[] | null {
  const points = positive[0]?.length ?? 0;
  if (positive.some(({ length }) => length !== points) || (counts && counts.length !== points)) return null;
  const alive = Uint8Array.from({ length: points }, (_, point) => (counts === null || counts[point] ? 1 : 0));
  const total = alive.reduce((sum, counted) => sum + counted, 0);
  return positive.map((layer) => {
    let living = 0;
    for (let point = 0; point < points; point++) {
      if (!layer[point]) alive[point] = 0;
      living += alive[point]!;
    }
    return { points: total, alive: living };
  });
}
