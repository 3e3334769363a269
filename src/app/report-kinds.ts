import { z } from 'zod';
import { boundsReportSchema } from '../bounds/schema.js';
import { renderBounds } from '../bounds/table.js';
import { readTextFile } from '../files/text-files.js';
import { flipReportSchema } from '../repair/flip/schema.js';
import { renderFlip } from '../repair/flip/table.js';
import { pruneReportSchema } from '../repair/prune/schema.js';
import { renderPrune } from '../repair/prune/table.js';
import { stripReportSchema } from '../repair/strip/schema.js';
import { renderStrip } from '../repair/strip/table.js';
import { swapReportSchema } from '../repair/swap/schema.js';
import { renderSwap } from '../repair/swap/table.js';
import type { TextOptions } from '../report/colors.js';
import { diffReportSchema } from '../report/diff-schema.js';
import { renderDiff } from '../report/diff-table.js';
import { renderGitHub, renderGitHubDiff } from '../report/github.js';
import { formatReport, parseReportOf } from '../report/json.js';
import { auditReportSchema } from '../report/schema.js';
import { renderTable } from '../report/table.js';
import type { Format } from '../settings/output-settings.js';

/** All that depends on the kind of a report. */
interface ReportKind<S extends z.ZodType> {
  /** Published as schema/KIND-report.schema.json. */
  schema: S;
  /** The report for a terminal. */
  table: (report: z.output<S>, options: TextOptions) => string;
  /** The report as annotations of a GitHub workflow; kinds without them come as a table. */
  github?: (report: z.output<S>) => string;
}

/** One row per kind of report. */
const reportKinds = {
  audit: kind({ schema: auditReportSchema, table: renderTable, github: renderGitHub }),
  bounds: kind({ schema: boundsReportSchema, table: renderBounds }),
  diff: kind({ schema: diffReportSchema, table: renderDiff, github: renderGitHubDiff }),
  flip: kind({ schema: flipReportSchema, table: renderFlip }),
  prune: kind({ schema: pruneReportSchema, table: renderPrune }),
  strip: kind({ schema: stripReportSchema, table: renderStrip }),
  swap: kind({ schema: swapReportSchema, table: renderSwap }),
};

type Kinds = typeof reportKinds;
/** A report of any kind. */
export type Report = { [Kind in keyof Kinds]: z.output<Kinds[Kind]['schema']> }[keyof Kinds];

const schemas = mapKinds(({ schema }) => schema) as { [Kind in keyof Kinds]: Kinds[Kind]['schema'] };

/** Reads a report of any kind. @throws UserError as `readReport` does. */
export async function readAnyReport(path: string): Promise<Report> {
  return parseAnyReport(await readTextFile(path), path);
}

/** Checks the text of a report of any kind; `path` is what errors call it. */
export function parseAnyReport(text: string, path: string): Report {
  return parseReportOf(schemas, text, path);
}

/** Renders a report of any kind. */
export function renderReport(report: Report, format: Format, options: TextOptions = {}): string {
  if (format === 'json') return formatReport(report);
  const { table, github } = reportKinds[report.kind] as unknown as ReportKind<z.ZodType<Report>>;
  return format === 'github' && github ? github(report) : table(report, options);
}

/**
 * Returns the published JSON Schemas (draft 2020-12) by file name; `schema/` holds them, and a test keeps it
 * so.
 */
export function jsonSchemas(): Record<string, object> {
  // As readers see it: fields that a later version adds are allowed.
  const published = mapKinds(({ schema }) => z.toJSONSchema(schema, { io: 'input', reused: 'ref' }));
  return Object.fromEntries(
    Object.entries(published).map(([kind, schema]) => [`${kind}-report.schema.json`, schema]),
  );
}

/** Lets TypeScript hold a row's renderers against its schema. */
function kind<S extends z.ZodType>(row: ReportKind<S>): ReportKind<S> {
  return row;
}

function mapKinds<T>(of: (row: { schema: z.ZodType }) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(reportKinds).map(([name, row]) => [name, of(row)]));
}
