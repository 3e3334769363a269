import type { Colors } from './colors.js';
import { elide, printable } from './format.js';

/** A cell is its text and, if it is to be painted, how. Alignment goes by the text's length without paint. */
export interface Cell {
  text: string;
  paint?: (text: string) => string;
}

export interface Column {
  title: string;
  align: 'left' | 'right';
  /** Elided in the middle where the table would be too wide. */
  elastic?: boolean;
}

/** Narrowest an elastic column may become. */
const SMALLEST = 8;

/** Lines of a table that fits `width` columns as far as its elastic columns can give way. */
export function tableLines(columns: Column[], rows: Cell[][], width: number, colors: Colors): string[] {
  const { widths, gap } = fitWidths(columns, rows, width);
  const header = line(
    columns.map(({ title }) => ({ text: title, paint: colors.dim })),
    columns,
    widths,
    gap,
  );
  return [header, ...rows.map((row) => line(row, columns, widths, gap))];
}

/** Two spaces between columns, else one, else narrower columns. */
function fitWidths(columns: Column[], rows: Cell[][], width: number): { widths: number[]; gap: string } {
  const widths = columns.map(({ title }, k) =>
    Math.max(length(title), ...rows.map((row) => length(row[k]?.text ?? ''))),
  );
  const content = widths.reduce((sum, w) => sum + w, 0);
  const gap = content + 2 * (columns.length - 1) > width ? ' ' : '  ';
  let excess = content + gap.length * (columns.length - 1) - width;
  while (excess > 0) {
    const widest = columns.reduce(
      (best, { elastic }, k) => (elastic && (best < 0 || widths[k]! > widths[best]!) ? k : best),
      -1,
    );
    if (widest < 0 || widths[widest]! <= SMALLEST) break;
    widths[widest]!--;
    excess--;
  }
  return { widths, gap };
}

function line(row: Cell[], columns: Column[], widths: number[], gap: string): string {
  const cells = columns.map(({ align }, k) => {
    const { text, paint = (plain: string) => plain } = row[k] ?? { text: '' };
    const shown = elide(text, widths[k]!);
    const space = ' '.repeat(Math.max(0, widths[k]! - length(shown)));
    return align === 'right' ? space + paint(shown) : paint(shown) + space;
  });
  return cells.join(gap).trimEnd();
}

/** Words broken into lines of `width`; lines after the first are indented. Longer words are cut in two, a number keeps its %. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of printable(text).split(/ +(?!%)/)) {
    let rest = word;
    const room = () => width - length(current) - (current.trim() === '' ? 0 : 1);
    if (length(rest) > room() && current.trim() !== '') {
      lines.push(current);
      current = indent;
    }
    while (length(rest) > room()) {
      const letters = [...rest];
      const cut = Math.max(1, room());
      lines.push(current + letters.slice(0, cut).join(''));
      rest = letters.slice(cut).join('');
      current = indent;
    }
    current = current.trim() === '' ? current + rest : `${current} ${rest}`;
  }
  return [...lines, current];
}

/** Letters, not UTF-16 units. */
export function length(text: string): number {
  return [...text].length;
}
