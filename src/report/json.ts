import { z } from 'zod';
import { UserError } from '../errors.js';
import { readTextFile, writeTextFile } from '../files/text-files.js';
import { siteCounters } from './recompute.js';
import { type AuditReport, auditReportSchema, SCHEMA_VERSION } from './schema.js';

/**
 * Reads and checks an audit report, plain or gzipped.
 *
 * @throws UserError when the file is missing, cut short, no report, of another version or kind, or damaged.
 */
export async function readReport(path: string): Promise<AuditReport> {
  return parseReport(await readTextFile(path), path);
}

/** Checks the text of an audit report; `path` is what errors call it. @throws UserError as `readReport`. */
export function parseReport(text: string, path: string): AuditReport {
  return parseReportOf({ audit: auditReportSchema }, text, path);
}

/**
 * Checks the text of a report of one of several kinds.
 *
 * @param schemas By kind.
 * @throws UserError as `readReport`.
 */
export function parseReportOf<S extends Record<string, z.ZodType>>(
  schemas: S,
  text: string,
  path: string,
): z.output<S[keyof S]> {
  const json = parseJson(text, path);
  const begun = headSchema.safeParse(json);
  if (!begun.success) {
    const message = `\`${path}\` is JSON, but no report of this tool: expected the fields schemaVersion and kind.`;
    throw new UserError(message, 'not-a-report');
  }
  const { schemaVersion, kind } = begun.data;
  if (schemaVersion !== SCHEMA_VERSION) {
    const message =
      `\`${path}\` has schemaVersion ${JSON.stringify(schemaVersion)}, but this version of activation-auditor ` +
      `reads ${SCHEMA_VERSION}: audit the model again, or use the version that wrote it.`;
    throw new UserError(message, 'other-schema-version');
  }
  if (typeof kind !== 'string' || !Object.hasOwn(schemas, kind)) {
    const kinds = Object.keys(schemas).join(' or ');
    const message = `\`${path}\` is a report of kind ${JSON.stringify(kind)}; expected ${kinds}.`;
    throw new UserError(message, 'wrong-report-kind');
  }
  const parsed = schemas[kind]!.safeParse(json);
  if (!parsed.success) throw damaged(path, parsed.error);
  if (kind === 'audit') checkSites(parsed.data as AuditReport, path);
  return parsed.data as z.output<S[keyof S]>;
}

/** Writes a report of any kind atomically; a name ending in `.gz` is compressed. */
export async function writeReport(path: string, report: object): Promise<void> {
  await writeTextFile(path, formatReport(report));
}

/**
 * Returns a report of any kind as JSON: objects indented, lists of plain values on one line each, so that a
 * person can read it and a histogram does not fill the screen. NaN and infinite numbers are `null`.
 */
export function formatReport(report: object): string {
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

const headSchema = z.object({ schemaVersion: z.unknown().nonoptional(), kind: z.unknown().nonoptional() });

function parseJson(text: string, path: string): unknown {
  if (text.trim() === '') {
    throw new UserError(`\`${path}\` is empty; expected a JSON report.`, 'file-truncated');
  }
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    if (!text.trimStart().startsWith('{')) {
      const message = `\`${path}\` is not JSON; expected a report of this tool.`;
      throw new UserError(message, 'not-a-report', { cause });
    }
    const bytes = Buffer.byteLength(text).toLocaleString('en-US');
    const ends = text.trimEnd().endsWith('}') ? 'is damaged' : `is cut short: it ends after ${bytes} bytes`;
    const message = `\`${path}\` ${ends}, and is no whole JSON document; write or copy it again.`;
    throw new UserError(message, 'file-truncated', { cause });
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

/**
 * Checks what the schema cannot say: vectors have a number for each neuron, indices lie within them, ids
 * differ.
 */
function checkSites(report: AuditReport, path: string): void {
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
