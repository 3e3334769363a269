import { expect, it } from 'vitest';
import { renderFigure } from '../../src/bounds/figure-svg.js';
import { figure2 } from '../../src/bounds/figures.js';
import { type Figure, figureSchema } from '../../src/bounds/schema.js';

it('draws every panel and names its axes', async () => {
  const figure = figure2();
  const svg = await renderFigure(figure);
  expect(svg).toMatch(/^<svg width="920" height="\d+"/);
  for (const { title, x, y } of figure.panels) {
    for (const text of [title, x.label, y.label]) expect(svg).toContain(text);
  }
  expect(svg.match(/<path[^>]* fill="none"[^>]*stroke="hsl/g)).toHaveLength(16 + 9);
  expect(svg).not.toContain('NaN');
});

it('draws the same figure the same way, and leaves out what is not known', async () => {
  const point = (y: number | null) => [1, y] as [number, number | null];
  const figure: Figure = {
    figure: 5,
    title: 'A <title> & more',
    parameters: { networks: 2 },
    panels: [
      {
        title: 'p',
        x: { label: 'k', scale: 'log2', max: 4 },
        y: { label: 'v', scale: 'log10' },
        series: [{ name: 'gap', line: 'dashed', color: 0, points: [point(0.5), [2, null], [3, 2]] }],
      },
    ],
  };
  const [once, twice] = [await renderFigure(figure), await renderFigure(structuredClone(figure))];
  expect(once).toContain('A &lt;title&gt; &amp; more');
  expect(once).toBe(twice);
  expect(figureSchema.parse(JSON.parse(JSON.stringify(figure)))).toEqual(figure);
});

it('figure 2 holds the formulas', () => {
  const [left, right] = figure2().panels;
  expect(left!.series).toHaveLength(16);
  const at = (series: Figure['panels'][number]['series'][number] | undefined, k: number) =>
    series!.points.find(([x]) => x === k)![1];
  expect(at(left!.series[2], 8)).toBeCloseTo((1 - 2 ** -3) ** 8, 14);
  expect(right!.series.map(({ name }) => name)).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((tenth) => `p = ${tenth / 10}`),
  );
  expect(at(right!.series[4], 8)).toBeCloseTo(-Math.log2(1 - 0.5 ** (1 / 8)), 12);
});
