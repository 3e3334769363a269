import type { TextOptions } from '../../report/colors.js';
import { counted, percent } from '../../report/format.js';
import { type Layout, type Lines, layout, textOf } from '../../report/layout.js';
import type { Cell, Column } from '../../report/text.js';
import { modelOnData } from '../../report/words.js';
import { qualityWords } from '../quality-change.js';
import type { SwapReport, SwapVariant } from './schema.js';

/** Width of a function's column. Functions that don't fit get a table of their own below. */
const COLUMNS_WIDTH = 11;

/**
 * Renders a comparison of activation functions for a terminal: dead ratios by layer, then quality. Ends with
 * a newline.
 */
export function renderSwap(report: SwapReport, textOptions: TextOptions = {}): string {
  const { variants, options } = report;
  const page = layout(textOptions);
  const { label, paragraph, warnings } = page;
  const perTable = Math.max(2, Math.floor((page.width - 16) / COLUMNS_WIDTH));
  const [own, ...others] = variants;
  const groups = Array.from({ length: Math.ceil(others.length / (perTable - 1)) }, (_, i) =>
    others.slice(i * (perTable - 1), (i + 1) * (perTable - 1)),
  );
  const written = variants.flatMap(({ output }) => output ?? []);
  return textOf([
    label('model', modelOnData(report)),
    label('swap', `${counted(options.swapped.length, 'MLP')}; nothing was retrained`),
    '',
    groups.map((group) => ratioTable([own!, ...group], page)),
    variants.map((variant) => paragraph(`${nameOf(variant)}: ${qualityLine(variant)}`)),
    written.length > 0 ? ['', written.map((path) => label('output', path))] : [],
    warnings(report.warnings),
  ]);
}

function ratioTable(variants: SwapVariant[], { colors, table }: Layout): Lines {
  const columns: Column[] = [
    { title: 'dead', align: 'left', elastic: true },
    ...variants.map((variant): Column => ({ title: nameOf(variant), align: 'right', elastic: true })),
  ];
  const cell = (ratio: number | null): Cell => ({ text: percent(ratio) });
  const rows = variants[0]!.sites.map(({ id }, i): Cell[] => [
    { text: id },
    ...variants.map(({ sites }) => cell(sites[i]?.deadRatio ?? null)),
  ]);
  const total: Cell[] = [
    { text: 'model', paint: colors.bold },
    ...variants.map(({ deadRatio }) => ({ ...cell(deadRatio), paint: colors.bold })),
  ];
  return table(columns, [...rows, total]);
}

const nameOf = ({ activation }: SwapVariant): string => activation ?? 'as it is';

function qualityLine({ quality, worse, activation }: SwapVariant): string {
  if ('reason' in quality) return `quality not measured: ${quality.reason}`;
  const change =
    activation === null || worse === null
      ? ''
      : quality.task === 'classification'
        ? ` (${percent(Math.abs(worse)).replace('%', ' points')} ${worse > 0 ? 'worse' : 'better'})`
        : ` (${worse > 1 ? `${(worse + 1).toPrecision(3)} times` : percent(Math.abs(worse))} ${worse > 0 ? 'worse' : 'better'})`;
  return `${qualityWords(quality)}${worse === 0 ? '' : change}`;
}
