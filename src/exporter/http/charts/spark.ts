import { percent } from '../../../report/format.js';
import { type Html, html } from '../html.js';
import { axisTop, type Point, placing, rounded } from './scale.js';

const WIDTH = 120;
const HEIGHT = 28;
const MARGIN = 4;
/**
 * Sparklines of several models stand below each other: a hundredth of a percent must not look like half of
 * the neurons.
 */
const LEAST_TOP = 0.01;

/** Draws a course small enough for a table's cell. */
export function sparkline(points: Point[]): Html {
  const words = trendWords(points);
  const known = points.filter(({ y }) => y !== null);
  const [low, high] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
  const frame = { left: MARGIN, top: MARGIN, width: WIDTH - 2 * MARGIN, height: HEIGHT - 2 * MARGIN };
  const place = placing(
    {
      ...frame,
      most: axisTop(
        points.map(({ y }) => y),
        LEAST_TOP,
      ),
    },
    low,
    high,
  );
  const places = known.map(place);
  const path = places.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${rounded(x)} ${rounded(y)}`).join('');
  const last = places.at(-1);
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${words}" data-tip="${words}"><path class="line" d="${path}"/>${last && html`<circle class="dot" cx="${rounded(last[0])}" cy="${rounded(last[1])}" r="3"/>`}</svg>`;
}

/** Says a course in words: `dead ratio 1.2% → 3.4% over 12 audits`. */
export function trendWords(points: Point[]): string {
  const known = points.filter(({ y }) => y !== null);
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last) return 'no dead ratio yet';
  if (known.length === 1) return `dead ratio ${percent(first.y)} in one audit`;
  return `dead ratio ${percent(first.y)} → ${percent(last.y)} over ${known.length} audits`;
}
