import { type Report, renderReport } from '../app/report-kinds.js';
import type { AuditReport } from '../report/schema.js';
import type { Settings } from '../settings/settings.js';
import type { Terminal } from './terminal.js';

/**
 * Prints a report in the format that the settings name. Under `quiet` a table is left out, since it is for
 * people; why an audit's gate failed is still said, on standard error.
 */
export function printReport(
  report: Report,
  { format = 'table', quiet = false }: Pick<Settings, 'format' | 'quiet'>,
  terminal: Terminal,
): void {
  if (!quiet || format !== 'table') terminal.print(renderReport(report, format, terminal));
  else if (report.kind === 'audit') terminal.complain(failures(report));
}

/** A line for each rule that failed. */
function failures({ gate }: AuditReport): string[] {
  const failed = gate?.rules.filter(({ status }) => status === 'failed') ?? [];
  return failed.map(({ rule, site, value }) => {
    const found = [site, value].filter((part) => part !== null).join(': ');
    return `audit: failed: ${rule}${found === '' ? '' : ` (${found})`}`;
  });
}
