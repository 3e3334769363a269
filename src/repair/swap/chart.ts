import { percent } from '../../report/format.js';
import type { SwapVariant } from './schema.js';

/** Okabe & Ito's palette, which colour-blind readers tell apart; more lines take it again, dashed. */
const PALETTE = ['#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9'];
const BOX = { left: 64, top: 44, width: 560, height: 300 };
const LEGEND_WIDTH = 150;
const LINE_HEIGHT = 20;

/** Draws the dead ratio of every MLP for each activation function as an SVG: a line per variant. */
export function swapChart(
  variants: readonly Pick<SwapVariant, 'activation' | 'sites'>[],
  title: string,
): string {
  const sites = variants[0]?.sites.map(({ id }) => id) ?? [];
  const top = niceTop(
    Math.max(0, ...variants.flatMap((v) => v.sites.map(({ deadRatio }) => deadRatio ?? 0))),
  );
  const x = (i: number) =>
    BOX.left + (sites.length === 1 ? 0.5 : i / Math.max(1, sites.length - 1)) * BOX.width;
  const y = (ratio: number) => BOX.top + BOX.height * (1 - ratio / top);
  const height = Math.max(BOX.top + BOX.height + 56, BOX.top + variants.length * LINE_HEIGHT + 20);
  const width = BOX.left + BOX.width + LEGEND_WIDTH;
  const every = Math.ceil(sites.length / 12);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#333333">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${BOX.left}" y="24" font-size="15" fill="#111111">${escaped(title)}</text>`,
    ...ticks.flatMap((tick) => [
      `<line x1="${BOX.left}" x2="${BOX.left + BOX.width}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}" stroke="#e3e3e3"/>`,
      `<text x="${BOX.left - 8}" y="${fixed(y(tick) + 4)}" text-anchor="end">${percent(tick)}</text>`,
    ]),
    ...sites.flatMap((id, i) =>
      i % every > 0
        ? []
        : [
            `<text x="${fixed(x(i))}" y="${BOX.top + BOX.height + 18}" text-anchor="middle">${escaped(label(id))}</text>`,
          ],
    ),
    `<text x="${BOX.left + BOX.width / 2}" y="${BOX.top + BOX.height + 40}" text-anchor="middle">layer</text>`,
    ...variants.flatMap((variant, k) => lines(variant, k, x, y)),
    '</svg>',
    '',
  ].join('\n');
}

function lines(
  { activation, sites }: Pick<SwapVariant, 'activation' | 'sites'>,
  k: number,
  x: (i: number) => number,
  y: (ratio: number) => number,
): string[] {
  const color = PALETTE[k % PALETTE.length]!;
  const dash = k >= PALETTE.length ? ' stroke-dasharray="6 4"' : '';
  const points = sites.flatMap(({ deadRatio }, i) =>
    deadRatio === null ? [] : [[x(i), y(deadRatio)] as const],
  );
  const name = activation ?? `as it is (${[...new Set(sites.map((site) => site.activation))].join(', ')})`;
  const row = BOX.top + 8 + k * LINE_HEIGHT;
  const left = BOX.left + BOX.width + 16;
  return [
    `<polyline points="${points.map(([a, b]) => `${fixed(a)},${fixed(b)}`).join(' ')}" fill="none" stroke="${color}" stroke-width="2"${dash}/>`,
    ...points.map(([a, b]) => `<circle cx="${fixed(a)}" cy="${fixed(b)}" r="3" fill="${color}"/>`),
    `<line x1="${left}" x2="${left + 22}" y1="${row}" y2="${row}" stroke="${color}" stroke-width="2"${dash}/>`,
    `<text x="${left + 28}" y="${row + 4}">${escaped(name)}</text>`,
  ];
}

/** Returns the first of 0.1, 0.2, 0.5, 1, … percent that is not below the largest ratio. */
function niceTop(largest: number): number {
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
  return steps.find((step) => step >= largest) ?? 1;
}

/** Shortens a site id: `decoder.3.mlp_post` is `decoder.3`. */
const label = (id: string): string => id.replace(/\.mlp_post/, '');
const fixed = (value: number): string => value.toFixed(1);
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
