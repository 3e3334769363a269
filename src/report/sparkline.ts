import type { SiteReport } from './schema.js';

const LEVELS = '▁▂▃▄▅▆▇█';

/** Powers of ten between the highest mark and the lowest, which lower columns get too. */
const DECADES = 4;

/**
 * Draws a histogram of values in a few characters, from the smallest to the largest value seen. Heights are
 * logarithmic in the counts, half a decade a step, since most activations lie near zero. A column without
 * values is a space.
 */
export function sparkline(values: SiteReport['values'], width = 8): string {
  const { histogram } = values;
  if (!histogram) return '';
  const { counts } = histogram;
  const first = counts.findIndex((count) => count > 0);
  if (first < 0) return '';
  const span = counts.findLastIndex((count) => count > 0) - first + 1;
  const columns: number[] = new Array(width).fill(0);
  for (let k = 0; k < span; k++) {
    const count = counts[first + k]!;
    // A narrow histogram is stretched: each bin covers the columns from its start to its end.
    const from = Math.floor((k * width) / span);
    const to = Math.max(from + 1, Math.floor(((k + 1) * width) / span));
    for (let column = from; column < to; column++) columns[column]! += count / (to - from);
  }
  const highest = Math.max(...columns);
  return columns.map((count) => (count > 0 ? mark(count / highest) : ' ')).join('');
}

/**
 * Draws a course of values from left to right, on a logarithmic scale from the smallest to the largest. More
 * than `width` values share marks with their neighbours. `null` is a space; zero gets the lowest mark, and so
 * does anything below 1e-12 of the largest.
 */
export function levels(values: (number | null)[], width: number): string {
  const columns = Math.min(width, values.length);
  const logs = Array.from({ length: columns }, (_, k) => {
    const from = Math.floor((k * values.length) / columns);
    const to = Math.floor(((k + 1) * values.length) / columns);
    const known = values.slice(from, to).filter((value) => value !== null);
    return known.length > 0 ? Math.log10(known.reduce((sum, value) => sum + value, 0) / known.length) : null;
  });
  const finite = logs.filter((value): value is number => value !== null && Number.isFinite(value));
  const highest = Math.max(...finite);
  const lowest = Math.max(Math.min(...finite), highest - 12);
  return logs
    .map((value) => {
      if (value === null) return ' ';
      const height =
        highest > lowest
          ? (value - lowest) / (highest - lowest)
          : value === highest && Number.isFinite(value)
            ? 1
            : 0;
      return LEVELS[Math.round(Math.min(1, Math.max(0, height)) * (LEVELS.length - 1))]!;
    })
    .join('');
}

/** The mark for a share of the highest column, in (0, 1]. */
function mark(share: number): string {
  const level = 1 + Math.log10(share) / DECADES;
  return LEVELS[Math.min(LEVELS.length - 1, Math.max(0, Math.floor(level * LEVELS.length)))]!;
}
