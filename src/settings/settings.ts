import { z } from 'zod';
import { didYouMean, SettingError } from '../errors.js';
import { auditSettings } from './audit-settings.js';
import { gateSettings, monitoringSettings, outputSettings } from './output-settings.js';
import { type Setting, text } from './setting.js';

/**
 * Every setting of an audit, once: the options of the library, the keys of `audit.config.json`, the flags of
 * the command line and their help, and what a request to the server may set are all derived from these
 * tables.
 */
export const settings = { ...auditSettings, ...gateSettings, ...monitoringSettings, ...outputSettings };

export type SettingName = keyof typeof settings;

/** Values of a table of settings; what is absent has its default. */
export type ValuesOf<T extends Record<string, Setting>> = { [Name in keyof T]?: z.output<T[Name]['schema']> };
export type Settings = ValuesOf<typeof settings>;

/** Schema of a configuration file. */
export const settingsSchema = z.strictObject({ $schema: text.optional(), ...shapeOf(settings) });

/** The schema of those settings that a request to the server may set. */
export function requestSchema() {
  const requestable = Object.entries<Setting>(settings).filter(([, { request }]) => request);
  return z.strictObject(shapeOf(Object.fromEntries(requestable))) as z.ZodType<Settings>;
}

/** Names of a table's settings, in the order of the table. */
export function namesOf<T extends Record<string, Setting>>(table: T): (keyof T & string)[] {
  return Object.keys(table);
}

/**
 * Checks values as callers of the library set them, and returns them as the schema reads them (`5%` is 0.05).
 * Names that the table does not have are ignored.
 *
 * @throws SettingError for the first value that a setting cannot have.
 */
export function checkSettings<T extends Record<string, Setting>>(table: T, values: object): ValuesOf<T> {
  const entries = Object.entries(values).filter(
    ([name, value]) => Object.hasOwn(table, name) && value !== undefined,
  );
  return Object.fromEntries(
    entries.map(([name, value]) => [name, checkSetting(table, name, value)]),
  ) as ValuesOf<T>;
}

/**
 * Returns the value of one setting, as its schema reads it. @throws SettingError when the setting cannot have
 * it.
 */
export function checkSetting(
  table: Record<string, Setting>,
  name: string,
  value: unknown,
  found: unknown = value,
): unknown {
  const { schema, expected, words = [] } = table[name]!;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const hint = typeof found === 'string' ? didYouMean(found, words) : '';
  throw new SettingError(name, expected, found, { hint });
}

function shapeOf<T extends Record<string, Setting>>(
  table: T,
): { [Name in keyof T]: z.ZodOptional<T[Name]['schema']> } {
  const shape = Object.entries(table).map(([name, { schema, help, otherwise }]) => {
    const description = otherwise === undefined ? help : `${help} (default: ${otherwise})`;
    return [name, schema.describe(description).optional()];
  });
  return Object.fromEntries(shape);
}
