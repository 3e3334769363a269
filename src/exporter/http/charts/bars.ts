import { number } from '../../../report/format.js';
import { type Html, html } from '../html.js';
import { rounded } from './scale.js';

const WIDTH = 100;
const HEIGHT = 28;

/**
 * Draws a histogram small enough for a table's cell.
 *
 * @param counts Numbers per bucket.
 * @param names Names of the buckets, e.g. `up to 0.1%`.
 * @param noun What is counted, e.g. `neurons`.
 */
export function miniBars(counts: readonly number[], names: readonly string[], noun: string): Html {
  const most = Math.max(1, ...counts);
  const step = WIDTH / Math.max(1, counts.length);
  const bars = counts.map((count, i) => {
    const words = `${names[i]}: ${number(count)} ${noun}`;
    // A bucket with one neuron among thousands must be seen.
    const height = count === 0 ? 0 : Math.max(2, (count / most) * HEIGHT);
    return html`<g data-tip="${words}"><rect class="lane" x="${rounded(i * step)}" y="0" width="${rounded(step - 1)}" height="${HEIGHT}"/><rect class="bar" x="${rounded(i * step)}" y="${rounded(HEIGHT - height)}" width="${rounded(step - 1)}" height="${rounded(height)}"/></g>`;
  });
  const words = names.map((name, i) => `${name}: ${number(counts[i] ?? 0)}`).join(', ');
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${noun} by bucket: ${words}">${bars}</svg>`;
}
