import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UserError } from '../errors.js';
import { writeTextFile } from '../files/text-files.js';
import { writeReport } from '../report/json.js';
import { renderJUnit } from '../report/junit.js';
import { renderMarkdown } from '../report/markdown.js';
import { renderSarif } from '../report/sarif.js';
import type { AuditReport } from '../report/schema.js';
import type { SettingName, Settings } from '../settings/settings.js';

/** Files that a command writes, by the option that names them. */
const fileOptions = ['report', 'junit', 'markdown', 'sarif'] as const satisfies SettingName[];
export type OutputFiles = {
  [Name in (typeof fileOptions)[number] | 'sarifMaxLevel']?: Settings[Name] | undefined;
};

/**
 * Finds out before any work is done whether every file can be written.
 *
 * @param inputs Files that are read, and must not be written over.
 * @throws UserError for a missing or read-only folder, a folder in place of the file, or one file named twice.
 */
export function checkOutputFiles(files: OutputFiles, inputs: readonly string[] = []): void {
  if (files.sarifMaxLevel !== undefined && files.sarif === undefined) {
    throw new UserError('`--sarif-max-level` needs `--sarif FILE` to be about.', 'option-conflict');
  }
  const taken = new Map<string, string>(inputs.map((path) => [resolve(path), 'an input of this command']));
  for (const option of fileOptions) {
    const path = files[option];
    if (path !== undefined) checkOutputFile(`--${option}`, path, taken);
  }
}

/** The same for one file; `taken` holds what other paths are for, and gets this one. */
export function checkOutputFile(flag: string, path: string, taken = new Map<string, string>()): void {
  const fail = (why: string): never => {
    throw new UserError(`\`${flag} ${path}\` cannot be written: ${why}.`, 'cannot-write');
  };
  const full = resolve(path);
  const use = taken.get(full);
  if (use !== undefined) fail(`the same file is ${use}`);
  taken.set(full, `\`${flag}\``);
  const found = statSync(full, { throwIfNoEntry: false });
  if (found?.isDirectory()) fail('it is a folder');
  if (found && !found.isFile()) return; // a pipe or a device
  const folder = dirname(full);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) fail(`there is no folder \`${folder}\``);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    fail(`no permission to write to the folder \`${folder}\``);
  }
}

/** Writes the report and its renderings, each whole or not at all. */
export async function writeOutputFiles(report: AuditReport, files: OutputFiles): Promise<void> {
  const { junit, markdown, sarif, sarifMaxLevel: maxLevel } = files;
  if (files.report !== undefined) await writeReport(files.report, report);
  if (junit !== undefined) await writeTextFile(junit, renderJUnit(report));
  if (markdown !== undefined) await writeTextFile(markdown, renderMarkdown(report));
  if (sarif !== undefined) {
    const options = { root: process.cwd(), ...(maxLevel !== undefined && { maxLevel }) };
    await writeTextFile(sarif, renderSarif(report, options));
  }
}
