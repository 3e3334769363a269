import { type Html, html } from '../html.js';

/** One point of a course. */
export interface Point {
  /** Name of the point for a person, e.g. `step 2,000`. */
  label: string;
  /** Position on the horizontal axis. */
  x: number;
  /** A ratio; `null` leaves a gap. */
  y: number | null;
}

/** The rectangle that a course is drawn in, in the units of the SVG, and the ratio at its top. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  most: number;
}

/** Widths of the two drawings of a chart, in the units of the SVG, which are about pixels. */
const WIDE = 760;
const NARROW = 380;

/**
 * Draws a chart twice, for wide and for narrow screens; the style shows one of them. A single drawing scaled
 * to a telephone could not be read.
 */
export function forBothWidths(draw: (width: number) => Html): Html {
  return html`<div class="on-wide">${draw(WIDE)}</div><div class="on-narrow">${draw(NARROW)}</div>`;
}

/** Top of an axis on which everything is 0. */
const EMPTY_TOP = 0.01;

/**
 * Chooses the top of a ratio axis: a round number that no value is above.
 *
 * @param least Top that the axis has at least.
 */
export function axisTop(values: readonly (number | null)[], least = 0): number {
  const most = Math.max(least, ...values.map((value) => value ?? 0));
  if (most === 0) return EMPTY_TOP;
  for (let unit = 1e-5; unit < 1; unit *= 10) {
    for (const step of [1, 2, 5]) {
      // The steps are not exact in binary, and a value that lies on one belongs below it.
      if (most <= unit * step * (1 + 1e-9)) return unit * step;
    }
  }
  return 1;
}

/** Makes the function that places points in a frame. `low` and `high` are the ends of the horizontal axis. */
export function placing(frame: Frame, low: number, high: number): (point: Point) => [x: number, y: number] {
  return ({ x, y }) => {
    const share = high > low ? (x - low) / (high - low) : 0.5;
    return [frame.left + share * frame.width, frame.top + frame.height * (1 - (y ?? 0) / frame.most)];
  };
}

/** Writes a coordinate with one decimal. */
export function rounded(value: number): string {
  return value.toFixed(1);
}
