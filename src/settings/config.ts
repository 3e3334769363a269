import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { didYouMean, UserError } from '../errors.js';
import { readSmallFile } from '../files/read-limited.js';
import type { Setting } from './setting.js';
import { type Settings, settingsSchema, settings as table } from './settings.js';

/** Name of the file that is found by itself. */
export const configFileName = 'audit.config.json';

/**
 * Reads the settings of a configuration file. Relative paths in it are relative to its own folder.
 *
 * @param path As `--config` names it. Without it, `audit.config.json` of the current folder or of the nearest
 *   folder above it that has one is read, up to the root of the repository: nothing outside a repository
 *   changes what it builds.
 * @throws UserError when the file is missing, no JSON, or does not follow the schema.
 */
export function loadConfig(path?: string): Settings {
  const file = path ?? nearestConfig(process.cwd());
  if (file === null) return {};
  const json = parse(file, readSmallFile(file));
  const parsed = settingsSchema.safeParse(json);
  if (!parsed.success) throw mismatch(file, parsed.error.issues[0]!, json);
  const { $schema, ...values } = parsed.data;
  return withPathsFrom(dirname(resolve(file)), values as Settings);
}

/** Returns the JSON Schema that is published as schema/config.schema.json. */
export function configJsonSchema(): object {
  const { properties = {}, ...schema } = z.toJSONSchema(settingsSchema, { io: 'input' });
  const withDefaults = Object.entries(properties).map(([name, property]) => {
    const value = (table as Record<string, Setting>)[name]?.default;
    return [name, value === undefined ? property : { ...(property as object), default: value }];
  });
  return {
    ...schema,
    properties: Object.fromEntries(withDefaults),
    title: 'Configuration of activation-auditor (audit.config.json)',
  };
}

/**
 * The configuration file of the folder or of the nearest one above it; a folder with `.git` is the last one
 * to be tried.
 */
function nearestConfig(folder: string): string | null {
  const file = join(folder, configFileName);
  if (existsSync(file)) return folder === process.cwd() ? configFileName : file;
  if (existsSync(join(folder, '.git')) || dirname(folder) === folder || !insideRepository(folder))
    return null;
  return nearestConfig(dirname(folder));
}

function insideRepository(folder: string): boolean {
  return (
    existsSync(join(folder, '.git')) || (dirname(folder) !== folder && insideRepository(dirname(folder)))
  );
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    const why = (cause as Error).message;
    throw new UserError(`Configuration \`${file}\` is no JSON: ${why}.`, 'config-syntax', { cause });
  }
}

function mismatch(file: string, issue: z.core.$ZodIssue, json: unknown): UserError {
  const [key] = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const names = Object.keys(table);
    const [unknown] = issue.keys as [string];
    const message = `\`${unknown}\` in \`${file}\` is no setting.${didYouMean(unknown, names)} Known are ${names.join(', ')}.`;
    return new UserError(message, 'config-unknown-setting');
  }
  if (typeof key !== 'string' || key === '$schema') {
    return new UserError(`Expected \`${file}\` to hold one JSON object of settings.`, 'config-shape');
  }
  const { expected } = table[key as keyof Settings] as Setting;
  const found = JSON.stringify((json as Record<string, unknown>)[key]);
  return new UserError(`Expected \`${key}\` in \`${file}\` to be ${expected}, got ${found}.`, 'config-value');
}

/** The settings with relative paths made absolute. */
function withPathsFrom(folder: string, settings: Settings): Settings {
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(folder, path));
  const moved = Object.entries(settings).map(([name, value]) => {
    const { path } = (table as Record<string, Setting>)[name]!;
    if (Array.isArray(value) && path === 'file') return [name, value.map((each) => absolute(String(each)))];
    if (typeof value !== 'string' || path === undefined) return [name, value];
    return [name, path === 'file' || existsSync(absolute(value)) ? absolute(value) : value];
  });
  return Object.fromEntries(moved);
}
