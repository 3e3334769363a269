import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.js';
import { expectedOf, type SettingName, type Settings, settingsSchema } from './settings.js';

/** Found by itself in the current folder, and nowhere above it: a build must not depend on a parent's file. */
export const configFileName = 'audit.config.json';

/**
 * Settings of a configuration file. Relative paths in it are relative to its own folder.
 *
 * @param path As `--config` gave it; without it `audit.config.json` of the current folder, if there is one.
 * @throws UserError when the file is missing, no JSON, or does not follow the schema.
 */
export function loadConfig(path?: string): Settings {
  if (path === undefined && !existsSync(configFileName)) return {};
  const file = path ?? configFileName;
  const json = parse(file, read(file));
  const parsed = settingsSchema.safeParse(json);
  if (!parsed.success) throw mismatch(file, parsed.error.issues[0]!, json);
  const { $schema, ...settings } = parsed.data;
  return withPathsFrom(dirname(resolve(file)), settings);
}

/** Published as schema/config.schema.json. */
export function configJsonSchema(): object {
  return {
    ...z.toJSONSchema(settingsSchema, { io: 'input' }),
    title: 'Configuration of activation-auditor (audit.config.json)',
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new UserError(`Configuration \`${file}\` cannot be read: ${why}.`, 'config-unreadable', { cause });
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new UserError(
      `Configuration \`${file}\` is no JSON: ${(cause as Error).message}.`,
      'config-syntax',
      {
        cause,
      },
    );
  }
}

function mismatch(file: string, issue: z.core.$ZodIssue, json: unknown): UserError {
  const [key] = issue.path as [SettingName?];
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(settingsSchema.shape).join(', ');
    const message = `\`${issue.keys[0]}\` in \`${file}\` is no setting. Known are ${known}.`;
    return new UserError(message, 'config-unknown-setting');
  }
  if (key === undefined || key === ('$schema' as string)) {
    return new UserError(`Expected \`${file}\` to hold one JSON object of settings.`, 'config-shape');
  }
  const found = JSON.stringify((json as Record<string, unknown>)[key]);
  return new UserError(
    `Expected \`${key}\` in \`${file}\` to be ${expectedOf(key)}, got ${found}.`,
    'config-value',
  );
}

function withPathsFrom(folder: string, settings: Settings): Settings {
  const moved: Settings = { ...settings };
  const move = (path: string) => (isAbsolute(path) ? path : resolve(folder, path));
  for (const key of ['resume', 'baseline', 'report', 'junit', 'markdown', 'sarif', 'textfile'] as const) {
    if (settings[key] !== undefined) moved[key] = move(settings[key]);
  }
  if (settings.plugin) moved.plugin = settings.plugin.map(move);
  // These two may also be names, of data and of the hub.
  for (const key of ['data', 'tokenizer'] as const) {
    if (settings[key] !== undefined && existsSync(move(settings[key]))) moved[key] = move(settings[key]);
  }
  return moved;
}
