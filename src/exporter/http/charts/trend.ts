import { percent } from '../../../report/format.js';
import { type Html, html } from '../html.js';
import { axisTop, type Frame, forBothWidths, type Point, placing, rounded } from './scale.js';
import { trendWords } from './spark.js';

/** The course of one data set. */
export interface Series {
  name: string;
  points: Point[];
}

/** A limit of the gate, drawn as a dashed line. */
export interface Limit {
  /** The limit in words, e.g. `limit of each layer`. */
  name: string;
  ratio: number;
}

const HEIGHT = 260;
/** Room for the names of ticks on the left and below. */
const [LEFT, TOP, RIGHT, BELOW] = [56, 16, 16, 48];

/** A limit this many times above all values is not drawn: the values would lie flat on the axis. */
const NEAR = 4;

/** Classes that colour the lines; further series share the last one. */
const COLOURS = 5;

/**
 * Draws the dead ratio over audits or training steps: a line for each data set, and the limits of the gate.
 */
export function trendChart(series: Series[], xName: string, limits: Limit[]): Html {
  const values = series.flatMap(({ points }) => points.map(({ y }) => y));
  const most = axisTop(values);
  const shown = limits.filter(({ ratio }) => ratio <= NEAR * most);
  const top = axisTop([...values, ...shown.map(({ ratio }) => ratio)]);
  const above = limits
    .filter((limit) => !shown.includes(limit))
    .map(({ name, ratio }) => html`<p class="dim">The ${name}, ${percent(ratio)}, lies above the chart.</p>`);
  return html`${series.length > 1 && legend(series)}
${forBothWidths((width) => drawing(series, xName, shown, top, width))}${above}`;
}

function drawing(series: Series[], xName: string, limits: Limit[], most: number, width: number): Html {
  const frame = { left: LEFT, top: TOP, width: width - LEFT - RIGHT, height: HEIGHT - TOP - BELOW, most };
  const points = series.flatMap((one) => one.points);
  const xs = points.map(({ x }) => x);
  const place = placing(frame, Math.min(...xs), Math.max(...xs));
  const prefix = (name: string) => (series.length > 1 ? name : null);
  const words = series.map(({ name, points }) =>
    [prefix(name), trendWords(points)].filter((part) => part !== null).join(': '),
  );
  return html`<svg class="chart" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${words.join('; ')}">
${grid(frame)}${limits.map((limit) => limitLine(limit, frame))}
${series.map(({ name, points }, i) => line(prefix(name), points, place, i))}
${ticks(points, frame, place)}<text class="tick" x="${frame.left + frame.width / 2}" y="${HEIGHT - 6}" text-anchor="middle">${xName}</text></svg>`;
}

function legend(series: Series[]): Html {
  const items = series.map(({ name }, i) => html`<li><span class="key ${colour(i)}"></span>${name}</li>`);
  return html`<ul class="legend">${items}</ul>`;
}

function colour(index: number): string {
  return `series-${Math.min(index, COLOURS - 1)}`;
}

function grid({ left, top, width, height, most }: Frame): Html[] {
  return [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = rounded(top + height * (1 - share));
    const label =
      share === 0.25 || share === 0.75
        ? null
        : html`<text class="tick" x="${left - 8}" y="${Number(y) + 4}" text-anchor="end">${percent(most * share)}</text>`;
    return html`<line class="grid" x1="${left}" x2="${left + width}" y1="${y}" y2="${y}"/>${label}`;
  });
}

function limitLine({ name, ratio }: Limit, { left, top, width, height, most }: Frame): Html {
  const y = top + height * (1 - ratio / most);
  return html`<line class="limit" x1="${left}" x2="${left + width}" y1="${rounded(y)}" y2="${rounded(y)}"/><text class="limit-name" x="${left + 6}" y="${rounded(y - 5)}">${name} ${percent(ratio)}</text>`;
}

/** Draws one line with a point for each audit; its name and value show under the pointer. */
function line(
  series: string | null,
  points: Point[],
  place: ReturnType<typeof placing>,
  index: number,
): Html {
  const known = points.filter(({ y }) => y !== null);
  const places = known.map(place);
  const path = places.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${rounded(x)} ${rounded(y)}`).join('');
  const dots = known.map(({ label, y: ratio }, i) => {
    const [x, y] = places[i]!;
    const words = `${series === null ? '' : `${series}, `}${label}: ${percent(ratio)} dead`;
    return html`<g data-tip="${words}"><circle class="hit" cx="${rounded(x)}" cy="${rounded(y)}" r="9"/><circle class="dot" cx="${rounded(x)}" cy="${rounded(y)}" r="3"/><title>${words}</title></g>`;
  });
  return html`<g class="${colour(index)}"><path class="line" d="${path}"/>${dots}</g>`;
}

/** Names the first and the last point of the horizontal axis. */
function ticks(
  points: Point[],
  { left, top, width, height }: Frame,
  place: ReturnType<typeof placing>,
): Html[] {
  const sorted = [...points].sort((a, b) => a.x - b.x);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return [];
  const y = top + height + 20;
  if (first.x === last.x) {
    const [x] = place(first);
    return [html`<text class="tick" x="${rounded(x)}" y="${y}" text-anchor="middle">${first.label}</text>`];
  }
  return [
    html`<text class="tick" x="${left}" y="${y}" text-anchor="start">${first.label}</text>`,
    html`<text class="tick" x="${left + width}" y="${y}" text-anchor="end">${last.label}</text>`,
  ];
}
