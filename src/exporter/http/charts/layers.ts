import { percent } from '../../../report/format.js';
import { type Html, html } from '../html.js';
import { forBothWidths, rounded } from './scale.js';

/** The dead ratios of one layer, one for each audit. */
export interface LayerRow {
  name: string;
  values: (number | null)[];
}

const LEFT = 72;
/** Room above the map for half of the first layer's name. */
const TOP = 6;
const WIDEST_CELL = 44;
/** Height that the names of layers need, so that they do not run into each other. */
const NAME_HEIGHT = 14;
/** Width that the names of the first and the last column need. */
const NAMES_WIDTH = 280;
/** End of the scale where no layer has a dead neuron. */
const EMPTY_MOST = 0.01;
/** Steps of the scale below the map. */
const SCALE_STEPS = 24;

/**
 * Draws the layers × audits map: the stronger the colour, the more of the layer is dead. A scale below it
 * says which colour means what, and each cell says its value under the pointer.
 *
 * @param columns Names of the audits.
 */
export function layerMap(rows: LayerRow[], columns: string[]): Html {
  return forBothWidths((width) => drawing(rows, columns, width));
}

function drawing(rows: LayerRow[], columns: string[], width: number): Html {
  const cellHeight = rows.length > 48 ? 8 : rows.length > 24 ? 12 : 18;
  const cellWidth = Math.min(WIDEST_CELL, (width - LEFT) / Math.max(1, columns.length));
  const most = Math.max(...rows.flatMap(({ values }) => values.map((value) => value ?? 0))) || EMPTY_MOST;
  const namedEvery = Math.ceil(NAME_HEIGHT / cellHeight);
  const bottom = TOP + rows.length * cellHeight;
  const lines = rows.map(({ name, values }, row) => {
    const y = TOP + row * cellHeight;
    const label =
      row % namedEvery === 0 &&
      html`<text class="tick" x="${LEFT - 8}" y="${y + cellHeight / 2 + 4}" text-anchor="end">${name}</text>`;
    const cells = values.map((value, column) =>
      cell(`layer ${name}, ${columns[column]}`, value, most, {
        x: LEFT + column * cellWidth,
        ...{ y, width: Math.max(1, cellWidth - 1), height: cellHeight - 1 },
      }),
    );
    return html`${label}${cells}`;
  });
  const words = `Dead ratio of each layer in each audit; the strongest colour is ${percent(most)}`;
  return html`<svg class="chart" viewBox="0 0 ${width} ${bottom + 58}" role="img" aria-label="${words}">${lines}
${columnNames(columns, cellWidth, bottom + 16)}${scale(most, bottom + 34)}</svg>`;
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

function cell(name: string, value: number | null, most: number, { x, y, width, height }: Box): Html {
  const words = `${name}: ${value === null ? 'no such site' : `${percent(value)} dead`}`;
  const size = html`x="${rounded(x)}" y="${rounded(y)}" width="${rounded(width)}" height="${rounded(height)}"`;
  const heat = value !== null && html`<rect class="heat" ${size} fill-opacity="${opacity(value / most)}"/>`;
  return html`<g data-tip="${words}"><rect class="lane" ${size}/>${heat}<title>${words}</title></g>`;
}

/** A layer with few dead neurons must differ from one with none. */
function opacity(share: number): string {
  return share === 0 ? '0' : (0.14 + 0.86 * share).toFixed(2);
}

function columnNames(columns: string[], cellWidth: number, y: number): Html {
  const end = LEFT + columns.length * cellWidth;
  const first = html`<text class="tick" x="${LEFT}" y="${y}">${columns[0]}</text>`;
  if (columns.length < 2 || columns.length * cellWidth < NAMES_WIDTH) return first;
  return html`${first}<text class="tick" x="${rounded(end)}" y="${y}" text-anchor="end">${columns.at(-1)}</text>`;
}

/** Draws which colour means which ratio. */
function scale(most: number, y: number): Html {
  const width = 6;
  const steps = Array.from({ length: SCALE_STEPS }, (_, i) => {
    const box = html`x="${LEFT + 32 + i * width}" y="${y}" width="${width}" height="12"`;
    return html`<rect class="lane" ${box}/><rect class="heat" ${box} fill-opacity="${opacity(i / (SCALE_STEPS - 1))}"/>`;
  });
  const end = LEFT + 32 + SCALE_STEPS * width;
  return html`<text class="tick" x="${LEFT + 24}" y="${y + 11}" text-anchor="end">0%</text>${steps}<text class="tick" x="${end + 8}" y="${y + 11}">${percent(most)} dead</text>`;
}
