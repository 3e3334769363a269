import { PLAIN, type TextOptions } from '../../report/colors.js';
import { counted, percent, printable } from '../../report/format.js';
import { labelled, warningLines } from '../../report/table.js';
import { type Cell, type Column, tableLines, wrap } from '../../report/text.js';
import { qualityWords } from '../quality-change.js';
import type { SwapReport, SwapVariant } from './schema.js';

/** Functions side by side; more get a table of their own below. */
const COLUMNS_WIDTH = 11;

/** A comparison of activation functions for a terminal: dead ratios by layer, then quality. Ends with a newline. */
export function renderSwap(report: SwapReport, { colors = PLAIN, width = 80 }: TextOptions = {}): string {
  const { model, data, variants, options } = report;
  const label = (name: string, text: string) => labelled(name, printable(text), width, colors);
  const perTable = Math.max(2, Math.floor((width - 16) / COLUMNS_WIDTH));
  const [own, ...others] = variants;
  const groups = Array.from({ length: Math.ceil(others.length / (perTable - 1)) }, (_, i) =>
    others.slice(i * (perTable - 1), (i + 1) * (perTable - 1)),
  );
  const written = variants.flatMap(({ output }) => output ?? []);
  const lines = [
    ...label(
      'model',
      `${model.name} · ${[data.name, data.split].filter(Boolean).join(' ')}, ${counted(data.positions, 'position')}`,
    ),
    ...label('swap', `${counted(options.swapped.length, 'MLP')}; nothing was retrained`),
    '',
    ...groups.flatMap((group) => [...ratioLines([own!, ...group], width, colors), '']),
    ...variants.flatMap((variant) =>
      wrap(`${nameOf(variant)}: ${qualityLine(variant)}`, width, '  ').map((line) => printable(line)),
    ),
    ...(written.length > 0 ? ['', ...written.flatMap((path) => label('output', path))] : []),
    ...warningLines(report.warnings, width, colors),
  ];
  return `${lines.join('\n')}\n`;
}

function ratioLines(
  variants: SwapVariant[],
  width: number,
  colors: NonNullable<TextOptions['colors']>,
): string[] {
  const columns: Column[] = [
    { title: 'dead', align: 'left', elastic: true },
    ...variants.map((variant): Column => ({ title: nameOf(variant), align: 'right', elastic: true })),
  ];
  const cell = (ratio: number | null): Cell => ({ text: percent(ratio) });
  const rows = variants[0]!.sites.map(({ id }, i): Cell[] => [
    { text: printable(id) },
    ...variants.map(({ sites }) => cell(sites[i]?.deadRatio ?? null)),
  ]);
  const total: Cell[] = [
    { text: 'model', paint: colors.bold },
    ...variants.map(({ deadRatio }) => ({ ...cell(deadRatio), paint: colors.bold })),
  ];
  return tableLines(columns, [...rows, total], width, colors);
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
