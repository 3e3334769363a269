import { renderBounds } from '../bounds/table.js';
import { renderFlip } from '../repair/flip/table.js';
import { renderPrune } from '../repair/prune/table.js';
import { renderStrip } from '../repair/strip/table.js';
import { renderSwap } from '../repair/swap/table.js';
import type { TextOptions } from './colors.js';
import { renderDiff } from './diff-table.js';
import { renderGitHub, renderGitHubDiff } from './github.js';
import { formatReport, type Report } from './json.js';
import { renderTable } from './table.js';

/** What stdout can carry. */
export const FORMATS = ['table', 'json', 'github'] as const;
export type Format = (typeof FORMATS)[number];

/** A report of any kind in the format that was asked for; those of repairs and bounds have no annotations and come as a table. */
export function renderReport(report: Report, format: Format, options: TextOptions = {}): string {
  if (format === 'json') return formatReport(report);
  if (report.kind === 'bounds') return renderBounds(report, options);
  if (report.kind === 'diff')
    return format === 'github' ? renderGitHubDiff(report) : renderDiff(report, options);
  if (report.kind === 'flip') return renderFlip(report, options);
  if (report.kind === 'prune') return renderPrune(report, options);
  if (report.kind === 'strip') return renderStrip(report, options);
  if (report.kind === 'swap') return renderSwap(report, options);
  return format === 'github' ? renderGitHub(report) : renderTable(report, options);
}
