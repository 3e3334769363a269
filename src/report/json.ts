import type { z } from 'zod';
import { type BoundsReport, boundsReportSchema } from '../bounds/schema.js';
import { UserError } from '../errors.js';
import { readTextFile, writeTextFile } from '../files/text-files.js';
import { type FlipReport, flipReportSchema } from '../repair/flip/schema.js';
import { type PruneReport, pruneReportSchema } from '../repair/prune/schema.js';
import { type StripReport, stripReportSchema } from '../repair/strip/schema.js';
import { type SwapReport, swapReportSchema } from '../repair/swap/schema.js';
import { type DiffReport, diffReportSchema } from './diff-schema.js';
import { siteCounters } from './recompute.js';
import { type AuditReport, auditReportSchema, SCHEMA_VERSION } from './schema.js';

export type Report =
  | AuditReport
  | BoundsReport
  | DiffReport
  | FlipReport
  | PruneReport
  | StripReport
  | SwapReport;

const SCHEMAS = {
  audit: auditReportSchema,
  bounds: boundsReportSchema,
  diff: diffReportSchema,
  flip: flipReportSchema,
  prune: pruneReportSchema,
  strip: stripReportSchema,
  swap: swapReportSchema,
};
type Kind = keyof typeof SCHEMAS;

/**
 * Reads and checks an audit report, plain or gzipped.
 *
 * @throws UserError when the file is not there, cut short, no report, of another version or kind, or damaged.
 */
export async function readReport(path: string): Promise<AuditReport> {
  return parseReport(await readTextFile(path), path);
}

/** Reads a report of any kind. */
export async function readAnyReport(path: string): Promise<Report> {
  return parseAnyReport(await readTextFile(path), path);
}

/** Writes a report atomically; a name ending in `.gz` is compressed. */
export async function writeReport(path: string, report: Report): Promise<void> {
  await writeTextFile(path, formatReport(report));
}

/** Checks the text of an audit report; `path` is for the error's sentence. */
export function parseReport(text: string, path: string): AuditReport {
  const report = parseAnyReport(text, path);
  if (report.kind !== 'audit') {
    const message = `\`${path}\` is a report of kind \`${report.kind}\`; expected an audit report (audit --report FILE).`;
    throw new UserError(message, 'wrong-report-kind');
  }
  return report;
}

export function parseAnyReport(text: string, path: string): Report {
  const json = parseJson(text, path);
  const { schemaVersion, kind } = (json ?? {}) as Partial<Report>;
  if (typeof json !== 'object' || schemaVersion === undefined || kind === undefined) {
    const message = `\`${path}\` is JSON, but no report of this tool: expected the fields schemaVersion and kind.`;
    throw new UserError(message, 'not-a-report');
  }
  if (schemaVersion !== SCHEMA_VERSION) {
    const message =
      `\`${path}\` has schemaVersion ${JSON.stringify(schemaVersion)}, but this version of activation-auditor ` +
      `reads ${SCHEMA_VERSION}: audit the model again, or use the version that wrote it.`;
    throw new UserError(message, 'other-schema-version');
  }
  if (!Object.hasOwn(SCHEMAS, kind)) {
    const message = `\`${path}\` is a report of kind ${JSON.stringify(kind)}; expected ${Object.keys(SCHEMAS).join(' or ')}.`;
    throw new UserError(message, 'wrong-report-kind');
  }
  const parsed = SCHEMAS[kind as Kind].safeParse(json);
  if (!parsed.success) throw damaged(path, parsed.error);
  if (parsed.data.kind === 'audit') checkLengths(parsed.data, path);
  return parsed.data;
}

/**
 * The report as JSON: objects indented, lists of plain values on one line each, so that a person can read it and
 * a histogram does not fill the screen. NaN and infinite numbers are `null`.
 */
export function formatReport(report: Report): string {
  return `${format(report, '')}\n`;
}

function format(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object' || item === null)) return JSON.stringify(value);
    return `[\n${value.map((item) => inner + format(item, inner)).join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${inner}${JSON.stringify(key)}: ${format(item, inner)}`);
  return entries.length === 0 ? '{}' : `{\n${entries.join(',\n')}\n${indent}}`;
}

function parseJson(text: string, path: string): unknown {
  const size = `${Buffer.byteLength(text).toLocaleString('en-US')} bytes`;
  if (text.trim() === '')
    throw new UserError(`\`${path}\` is empty; expected a JSON report.`, 'file-truncated');
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    if (!text.trimStart().startsWith('{')) {
      throw new UserError(`\`${path}\` is not JSON; expected a report of this tool.`, 'not-a-report', {
        cause: error,
      });
    }
    const ends = text.trimEnd().endsWith('}') ? 'is damaged' : `is cut short: it ends after ${size}`;
    const message = `\`${path}\` ${ends}, and is no whole JSON document; write or copy it again.`;
    throw new UserError(message, 'file-truncated', { cause: error });
  }
}

function damaged(path: string, error: z.ZodError): UserError {
  const { path: at, message } = error.issues[0]!;
  const where = at.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return new UserError(
    `\`${path}\` does not follow the report schema at ${where.slice(1)}: ${message}.`,
    'bad-report',
  );
}

/** What the schema cannot say: vectors are as long as the site has neurons, indices lie within it, ids differ. */
function checkLengths(report: AuditReport, path: string): void {
  const ids = new Set<string>();
  for (const site of report.sites) {
    siteCounters(site);
    const { id, neurons, deadNeurons } = site;
    if (ids.has(id)) throw new UserError(`\`${path}\` lists the site ${id} twice.`, 'bad-report');
    ids.add(id);
    if (deadNeurons.length !== site.dead || deadNeurons.some((index) => index >= neurons)) {
      const message = `\`${path}\` is damaged: deadNeurons of ${id} do not fit dead (${site.dead}) and neurons (${neurons}).`;
      throw new UserError(message, 'bad-report');
    }
  }
}
