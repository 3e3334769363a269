import type { Colors } from './colors.js';
import { elide, printable } from './format.js';

/** A cell of a table. */
export interface Cell {
  /** May hold anything: control characters are made visible. */
  text: string;
  /** Paints the text; its alignment goes by the length without paint. */
  paint?: (text: string) => string;
}

export interface Column {
  title: string;
  align: 'left' | 'right';
  /** True if its texts are cut in the middle where the table would be too wide. */
  elastic?: boolean;
}

/** Least width of an elastic column. */
const SMALLEST = 8;

/** Returns the lines of a table that fits `width` columns as far as its elastic columns can give way. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly Cell[][],
  width: number,
  colors: Colors,
): string[] {
  const header = columns.map(({ title }) => ({ text: title, paint: colors.dim }));
  const shown = [header, ...rows].map((row) => row.map((cell) => ({ ...cell, text: printable(cell.text) })));
  const { widths, gap } = fitWidths(columns, shown, width);
  return shown.map((row) => line(row, columns, widths, gap));
}

/** Leaves two spaces between columns, or one where that is too wide, and then narrows the elastic columns. */
function fitWidths(
  columns: readonly Column[],
  rows: Cell[][],
  width: number,
): { widths: number[]; gap: string } {
  const widths = columns.map((_, k) => Math.max(...rows.map((row) => length(row[k]?.text ?? ''))));
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

function line(row: Cell[], columns: readonly Column[], widths: number[], gap: string): string {
  const cells = columns.map(({ align }, k) => {
    const { text, paint = (plain: string) => plain } = row[k] ?? { text: '' };
    const shown = elide(text, widths[k]!);
    const space = ' '.repeat(Math.max(0, widths[k]! - length(shown)));
    return align === 'right' ? space + paint(shown) : paint(shown) + space;
  });
  return cells.join(gap).trimEnd();
}

/**
 * Breaks a text into lines of `width`; lines after the first are indented. A longer word is cut in two, and a
 * number keeps its percent sign.
 */
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

/** Counts letters, not UTF-16 units. */
function length(text: string): number {
  return [...text].length;
}
