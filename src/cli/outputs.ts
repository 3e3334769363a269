import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UserError } from '../errors.js';
import { cannotWrite } from '../files/reasons.js';
import { writeTextFile } from '../files/text-files.js';
import { formatReport } from '../report/json.js';
import { renderJUnit } from '../report/junit.js';
import { renderMarkdown } from '../report/markdown.js';
import { renderSarif } from '../report/sarif.js';
import type { AuditReport } from '../report/schema.js';
import type { SarifLevel } from '../settings/output-settings.js';
import type { Settings } from '../settings/settings.js';
import { flagOf } from './flags.js';

/** Files that a command writes, by the settings that name them, and what stands in them. */
const renderings = {
  report: formatReport,
  junit: renderJUnit,
  markdown: renderMarkdown,
  sarif: (report: AuditReport, { sarifMaxLevel: maxLevel }: { sarifMaxLevel?: SarifLevel | undefined }) =>
    renderSarif(report, { root: process.cwd(), ...(maxLevel !== undefined && { maxLevel }) }),
};
type FileSetting = keyof typeof renderings;
const fileSettings = Object.keys(renderings) as FileSetting[];

export type OutputFiles = { [Name in FileSetting | 'sarifMaxLevel']?: Settings[Name] | undefined };

/**
 * Finds out before any work is done whether every file can be written.
 *
 * @param inputs Files that are read, and must not be written over.
 * @throws UserError for a folder that cannot be written or made, a folder in place of a file, and one file
 *   named twice.
 */
export function checkOutputFiles(files: OutputFiles, inputs: readonly string[] = []): void {
  if (files.sarifMaxLevel !== undefined && files.sarif === undefined) {
    throw new UserError(
      '`--sarif-max-level` says how severe `--sarif FILE` may be: name that file.',
      'option-conflict',
    );
  }
  const taken = new Map<string, string>(inputs.map((path) => [resolve(path), 'an input of this command']));
  for (const setting of fileSettings) {
    const path = files[setting];
    if (path !== undefined) checkOutputFile(flagOf(setting), path, taken);
  }
}

/** Finds out whether one file can be written; `taken` holds what other paths are for, and gets this one. */
export function checkOutputFile(flag: string, path: string, taken = new Map<string, string>()): void {
  const fail = (why: string): never => {
    throw new UserError(`\`${flag} ${path}\` cannot be written: ${why}.`, 'cannot-write');
  };
  const full = resolve(path);
  const use = taken.get(full);
  if (use !== undefined) fail(`the same file is ${use}`);
  taken.set(full, `\`${flag}\``);
  const existing = statOf(full);
  if (existing?.isDirectory()) fail('it is a folder');
  if (existing && !existing.isFile()) return; // a pipe or a device
  const folder = nearestFolder(dirname(full));
  if (!statOf(folder)?.isDirectory()) fail(`\`${folder}\` is no folder`);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    fail(`no permission to write to the folder \`${folder}\``);
  }
}

/** Writes the report and its renderings, each whole or not at all. */
export async function writeOutputFiles(report: AuditReport, files: OutputFiles): Promise<void> {
  for (const setting of fileSettings) {
    const path = files[setting];
    if (path !== undefined) await writeOutput(path, renderings[setting](report, files));
  }
}

/** Writes a text file whole or not at all; folders that are missing are made. */
export async function writeOutput(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
  } catch (error) {
    throw cannotWrite(path, error);
  }
  await writeTextFile(path, text);
}

/** The folder, or the nearest one above it that exists. */
function nearestFolder(folder: string): string {
  return statOf(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

/** `undefined` for a path that does not exist, also below a file. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
