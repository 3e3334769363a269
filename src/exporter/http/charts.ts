import { percent } from '../../report/format.js';
import { type Html, html } from './html.js';

export interface Point {
  /** What the point stands for, e.g. `step 2000`. */
  label: string;
  /** Where it lies on the horizontal axis. */
  x: number;
  /** A ratio; `null` leaves a gap. */
  y: number | null;
}

/** A line small enough for a table cell; the cell's text says the same in numbers. */
export function sparkline(points: Point[]): Html {
  const [width, height] = [120, 28];
  const path = linePath(points, {
    left: 2,
    top: 3,
    width: width - 4,
    height: height - 6,
    max: largest(points),
  });
  const words = trendWords(points);
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${words}"><title>${words}</title>${path}</svg>`;
}

/** `dead ratio 1.2 % → 3.4 % over 12 audits` */
export function trendWords(points: Point[]): string {
  const known = points.filter(({ y }) => y !== null);
  if (known.length === 0) return 'no dead ratio yet';
  const [first, last] = [known[0]!, known.at(-1)!];
  if (known.length === 1) return `dead ratio ${percent(first.y)} in one audit`;
  return `dead ratio ${percent(first.y)} → ${percent(last.y)} over ${known.length} audits`;
}

/** Dead ratio over audits or training steps, with axes. */
export function trendChart(points: Point[], xName: string): Html {
  const [width, height] = [720, 220];
  const box = { left: 64, top: 12, width: width - 80, height: height - 48, max: largest(points) };
  const grid = [0, 0.5, 1].map((share) => {
    const y = box.top + box.height * (1 - share);
    return html`<line class="grid" x1="${box.left}" x2="${box.left + box.width}" y1="${y}" y2="${y}"/><text class="tick" x="${box.left - 8}" y="${y + 4}" text-anchor="end">${percent(box.max * share)}</text>`;
  });
  const ends = points.length < 2 ? points : [points[0]!, points.at(-1)!];
  const ticks = ends.map(
    ({ label }, i) =>
      html`<text class="tick" x="${i === 0 ? box.left : box.left + box.width}" y="${height - 20}" text-anchor="${i === 0 ? 'start' : 'end'}">${label}</text>`,
  );
  const words = trendWords(points);
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${words}"><title>${words}</title>${grid}${linePath(points, box)}${ticks}<text class="tick" x="${box.left + box.width / 2}" y="${height - 4}" text-anchor="middle">${xName}</text></svg>`;
}

export interface HeatRow {
  name: string;
  /** A ratio per column. */
  values: (number | null)[];
}

/** Layers × audits: the darker, the more of the layer is dead. A table beside it says the last column in numbers. */
export function heatmap(rows: HeatRow[], columns: string[]): Html {
  const [left, cell, width] = [96, rows.length > 40 ? 8 : 16, 720];
  const step = Math.min(40, (width - left) / Math.max(1, columns.length));
  const max = Math.max(1e-9, ...rows.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const lines = rows.map(({ name, values }, r) => {
    const cells = values.map((value, c) => {
      if (value === null) return null;
      const level = value === 0 ? 0 : 0.12 + 0.88 * (value / max);
      return html`<rect class="heat" x="${(left + c * step).toFixed(1)}" y="${r * cell}" width="${Math.max(1, step - 1).toFixed(1)}" height="${cell - 1}" fill-opacity="${level.toFixed(2)}"><title>${name}, ${columns[c]}: ${percent(value)}</title></rect>`;
    });
    return html`<text class="tick" x="${left - 8}" y="${r * cell + cell - 3}" text-anchor="end">${name}</text><rect class="lane" x="${left}" y="${r * cell}" width="${(columns.length * step).toFixed(1)}" height="${cell - 1}"/>${cells}`;
  });
  const words = `Dead ratio of each layer in each audit; the darkest cell is ${percent(max)}`;
  return html`<svg class="chart" viewBox="0 0 ${width} ${rows.length * cell + 4}" role="img" aria-label="${words}">${lines}</svg>`;
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
  max: number;
}

function linePath(points: Point[], { left, top, width, height, max }: Box): Html {
  const xs = points.map(({ x }) => x);
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const place = ({ x, y }: Point) => {
    const along = high > low ? (x - low) / (high - low) : 0.5;
    return [left + along * width, top + height * (1 - (y ?? 0) / max)] as const;
  };
  const known = points.filter(({ y }) => y !== null);
  if (known.length === 0) return html``;
  const path = known.map((point, i) => {
    const [x, y] = place(point);
    return `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  const [x, y] = place(known.at(-1)!);
  return html`<path class="line" d="${path.join('')}"/><circle class="dot" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3"/>`;
}

/** The top of the axis: a round number above every value. */
function largest(points: Point[]): number {
  const most = Math.max(0, ...points.map(({ y }) => y ?? 0));
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].find((limit) => most <= limit) ?? 1;
}
