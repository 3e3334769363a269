import { type Colors, PLAIN, type TextOptions } from './colors.js';
import { counted, number } from './format.js';
import type { Gate, GateRule, Warning } from './schema.js';
import { type Cell, type Column, tableLines, wrap } from './text.js';
import { shownWarnings } from './warnings.js';
import { ruleWords } from './words.js';

/** A line, or parts one below the other; an empty text is a blank line, an empty list nothing. */
export type Lines = string | readonly Lines[];

/** Builds the parts of a text for a terminal, all in the same width and colours. */
export interface Layout {
  colors: Colors;
  width: number;
  /** A text beside its name, which stands in a column of its own; without text, nothing. */
  label(name: string, text: string): Lines;
  /** A text that is broken into lines; those after the first are indented. */
  paragraph(text: string, indent?: string): string[];
  /** A table and a blank line below it; without rows, nothing. */
  table(columns: readonly Column[], rows: readonly Cell[][]): Lines;
  /** A paragraph for each warning, below a blank line. */
  warnings(warnings: readonly Warning[]): Lines;
  /** The verdict and, if it is bad, the rules that failed. */
  gate(gate: Gate): Lines;
}

const LABEL_WIDTH = 10;
/** Failed rules that are listed; a model may have hundreds of sites. */
const SHOWN_FAILURES = 12;

export function layout({ colors = PLAIN, width = 80 }: TextOptions = {}): Layout {
  const paragraph = (text: string, indent = '  ') => wrap(text, width, indent);
  return {
    colors,
    width,
    paragraph,
    label: (name, text) =>
      text === ''
        ? []
        : wrap(text, width - LABEL_WIDTH).map((line, k) =>
            `${colors.bold((k === 0 ? name : '').padEnd(LABEL_WIDTH))}${line}`.trimEnd(),
          ),
    table: (columns, rows) => (rows.length === 0 ? [] : [tableLines(columns, rows, width, colors), '']),
    warnings: (warnings) =>
      shownWarnings(warnings).map(({ code, message }, k) => [
        k === 0 ? [''] : [],
        paragraph(`! ${code}: ${message}`).map(colors.yellow),
      ]),
    gate: (gate) => verdictLines(gate, { colors, paragraph }),
  };
}

/** Returns the lines as a text that ends with a newline. */
export function textOf(lines: Lines): string {
  return `${flatten(lines).join('\n')}\n`;
}

function flatten(lines: Lines): string[] {
  return typeof lines === 'string' ? [lines] : lines.flatMap(flatten);
}

/** Returns the rules of a gate that failed. */
export function failedRules(gate: Gate | undefined): GateRule[] {
  return gate?.rules.filter(({ status }) => status === 'failed') ?? [];
}

function verdictLines(gate: Gate, { colors, paragraph }: Pick<Layout, 'colors' | 'paragraph'>): Lines {
  const checks = counted(gate.rules.length, 'check');
  if (gate.status === 'passed') return ['', colors.green(`✓ gate passed (${checks})`)];
  const failed = failedRules(gate);
  const shown = failed.length > SHOWN_FAILURES ? failed.slice(0, SHOWN_FAILURES - 1) : failed;
  const more = failed.length - shown.length;
  return [
    '',
    shown.map((rule) => paragraph(`✗ ${ruleWords(rule)}`, '    ').map(colors.red)),
    more > 0 ? colors.red(`✗ … and ${number(more)} more`) : [],
    colors.bold(colors.red(`✗ gate failed (${number(failed.length)} of ${checks})`)),
  ];
}
