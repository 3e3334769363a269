import { describe, expect, it } from 'vitest';
import { axisTop, forBothWidths, placing } from '../../../../src/exporter/http/charts/scale.js';
import { html } from '../../../../src/exporter/http/html.js';

describe('the top of a ratio axis', () => {
  it.each([
    [[0, null], 0.01],
    [[0.0003], 0.0005],
    [[0.01, 0.002], 0.01],
    [[0.02], 0.02],
    [[0.021, null], 0.05],
    [[0.5], 0.5],
    [[0.51], 1],
    [[1], 1],
    [[], 0.01],
  ])('of %j is %d', (values, top) => {
    expect(axisTop(values)).toBeCloseTo(top, 12);
  });

  it('is at least what was asked for', () => {
    expect(axisTop([0.0001], 0.01)).toBeCloseTo(0.01, 12);
  });
});

describe('places in a frame', () => {
  const frame = { left: 10, top: 20, width: 100, height: 50, most: 0.2 };

  it('go from left to right and from the bottom to the top', () => {
    const place = placing(frame, 0, 4);
    expect(place({ label: '', x: 0, y: 0 })).toEqual([10, 70]);
    expect(place({ label: '', x: 4, y: 0.2 })).toEqual([110, 20]);
    expect(place({ label: '', x: 1, y: 0.1 })).toEqual([35, 45]);
  });

  it('of a lone point is in the middle', () => {
    expect(placing(frame, 3, 3)({ label: '', x: 3, y: 0.2 })).toEqual([60, 20]);
  });
});

describe('a chart', () => {
  it('is drawn for wide and for narrow screens', () => {
    const { text } = forBothWidths((width) => html`<svg width="${width}"></svg>`);
    expect(text).toMatch(/class="on-wide"><svg width="760">.*class="on-narrow"><svg width="380">/);
  });
});
