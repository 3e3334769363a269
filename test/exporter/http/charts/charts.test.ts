import { describe, expect, it } from 'vitest';
import { miniBars } from '../../../../src/exporter/http/charts/bars.js';
import { layerMap } from '../../../../src/exporter/http/charts/layers.js';
import type { Point } from '../../../../src/exporter/http/charts/scale.js';
import { sparkline, trendWords } from '../../../../src/exporter/http/charts/spark.js';
import { trendChart } from '../../../../src/exporter/http/charts/trend.js';

const points = (...values: (number | null)[]): Point[] =>
  values.map((y, i) => ({ label: `audit ${i}`, x: i, y }));
const tips = (text: string) => [...text.matchAll(/data-tip="([^"]*)"/g)].map(([, tip]) => tip!);
const count = (text: string, part: string) => text.split(part).length - 1;
/** The drawing for wide screens. */
const wide = (text: string) => text.split('class="on-narrow"')[0]!;

describe('a course in words', () => {
  it.each([
    [points(), 'no dead ratio yet'],
    [points(null), 'no dead ratio yet'],
    [points(0.02), 'dead ratio 2% in one audit'],
    [points(0.01, null, 0.02), 'dead ratio 1% → 2% over 2 audits'],
  ])('%#: %s', (course, words) => {
    expect(trendWords(course)).toBe(words);
  });
});

describe('a sparkline', () => {
  it('says its course to screen readers and under the pointer', () => {
    const { text } = sparkline(points(0.01, 0.02));
    expect(text).toContain('aria-label="dead ratio 1% → 2% over 2 audits"');
    expect(tips(text)).toEqual(['dead ratio 1% → 2% over 2 audits']);
  });

  it('of nothing is empty', () => {
    expect(sparkline([]).text).not.toContain('<circle');
  });
});

describe('the chart of a course', () => {
  it('has a line for each data set, and a value for each audit', () => {
    const series = [
      { name: 'sample', points: points(0.01, 0.02) },
      { name: 'random', points: points(0.3) },
    ];
    const text = wide(trendChart(series, 'time', []).text);
    expect(count(text, '<path class="line"')).toBe(2);
    expect(tips(text)).toEqual([
      'sample, audit 0: 1% dead',
      'sample, audit 1: 2% dead',
      'random, audit 0: 30% dead',
    ]);
    expect(text).toContain('class="legend"');
  });

  it('of one data set needs no legend', () => {
    const { text } = trendChart([{ name: 'sample', points: points(0.01) }], 'time', []);
    expect(text).not.toContain('legend');
    expect(tips(wide(text))).toEqual(['audit 0: 1% dead']);
  });

  it('draws a limit that is near, and names one that would flatten the course', () => {
    const series = [{ name: 'sample', points: points(0.01, 0.03) }];
    const { text } = trendChart(series, 'time', [
      { name: 'limit', ratio: 0.05 },
      { name: 'limit of each layer', ratio: 0.9 },
    ]);
    expect(count(wide(text), 'class="limit"')).toBe(1);
    expect(text).toContain('>limit 5%</text>');
    expect(text).toContain('The limit of each layer, 90%, lies above the chart.');
  });

  it('leaves out an audit without a ratio', () => {
    const { text } = trendChart([{ name: 'sample', points: points(0.01, null, 0.02) }], 'time', []);
    expect(tips(wide(text))).toHaveLength(2);
  });
});

describe('the map of layers', () => {
  it('has a cell for each layer and audit, and a scale up to the largest ratio', () => {
    const rows = [
      { name: '0', values: [0, 0.25] },
      { name: '1', values: [null, 0.5] },
    ];
    const text = wide(layerMap(rows, ['first', 'second']).text);
    expect(tips(text)).toEqual([
      'layer 0, first: 0% dead',
      'layer 0, second: 25% dead',
      'layer 1, first: no such site',
      'layer 1, second: 50% dead',
    ]);
    expect(text).toContain('>50% dead</text>');
  });

  it('of a healthy model has no colour and a scale all the same', () => {
    const text = wide(layerMap([{ name: '0', values: [0] }], ['first']).text);
    expect(text).toContain('>1% dead</text>');
    expect(text).toContain('fill-opacity="0"');
  });

  it('names as many of 96 layers as have room', () => {
    const rows = Array.from({ length: 96 }, (_, layer) => ({ name: `L${layer}`, values: [0] }));
    const text = wide(layerMap(rows, ['first']).text);
    expect(text.match(/>L\d+<\/text>/g)).toHaveLength(48);
  });
});

describe('a small histogram', () => {
  it('says each bucket, and shows one neuron among thousands', () => {
    const { text } = miniBars([1, 0, 5000], ['never', 'seldom', 'often'], 'neurons');
    expect(tips(text)).toEqual(['never: 1 neurons', 'seldom: 0 neurons', 'often: 5,000 neurons']);
    const heights = [...text.matchAll(/class="bar"[^>]* height="([\d.]+)"/g)].map(([, height]) =>
      Number(height),
    );
    expect(heights).toEqual([2, 0, 28]);
  });
});
