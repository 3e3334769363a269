import { type Command, Option } from 'commander';
import { SettingError, UserError } from '../errors.js';
import { helpOf, type Kind, type Setting } from '../settings/setting.js';
import {
  checkSetting,
  type SettingName,
  type Settings,
  settings,
  type ValuesOf,
} from '../settings/settings.js';
import { flagOf } from './flags.js';

/**
 * Adds an option for each of the settings to a command, under the headings of their groups.
 *
 * @param table Where the settings are defined: those of audits, unless a command has settings of its own.
 */
export function addSettings(command: Command, names: readonly SettingName[], table?: undefined): void;
export function addSettings<T extends Record<string, Setting>>(
  command: Command,
  names: readonly (keyof T & string)[],
  table: T,
): void;
export function addSettings(
  command: Command,
  names: readonly string[],
  table: Record<string, Setting> = settings,
): void {
  let group: string | undefined;
  for (const name of names) {
    const setting = table[name]!;
    if (setting.group !== group) command.optionsGroup(`${setting.group}:`);
    group = setting.group;
    command.addOption(optionOf(name, setting, table));
    if (name === 'format') command.addOption(new Option('--json', 'Short for --format json'));
  }
}

/** Returns the values of a command's own settings, those with a default included. */
export function ownSettings<T extends Record<string, Setting>>(command: Command, table: T): ValuesOf<T> {
  const values = command.opts();
  const entries = Object.entries(table).flatMap(([name, setting]) => {
    if (values[name] !== undefined) return [[name, values[name]]];
    return setting.default === undefined ? [] : [[name, setting.schema.parse(setting.default)]];
  });
  return Object.fromEntries(entries);
}

/** Adds `--config` to a command whose settings a file may hold. */
export function addConfigOption(command: Command): void {
  command.option(
    '--config <file>',
    'Options from a file (default: audit.config.json here, or above in the repository)',
  );
}

/** Returns the settings of the command line, and nothing of those that it leaves out. */
export function settingsOfCommandLine(command: Command): Settings {
  const values = command.opts();
  const set = Object.keys(settings).filter((name) => command.getOptionValueSource(name) === 'cli');
  const json = values.json === true;
  if (json && values.format !== undefined && values.format !== 'json') {
    throw new UserError(
      `\`--json\` and \`--format ${values.format}\` exclude each other.`,
      'option-conflict',
    );
  }
  return {
    ...(Object.fromEntries(set.map((name) => [name, values[name]])) as Settings),
    ...(json && { format: 'json' }),
  };
}

function optionOf(name: string, setting: Setting, table: Record<string, Setting>): Option {
  const { kind, value, short, helpOff, required } = setting;
  const long = helpOff === undefined ? flagOf(name) : `--no-${flagOf(name).slice(2)}`;
  const flags = [short === undefined ? '' : `-${short}, `, long, value === undefined ? '' : ` <${value}>`];
  const option = new Option(flags.join(''), helpOf(setting)).makeOptionMandatory(required ?? false);
  if (kind === 'switch') return option;
  return option.argParser((text: string, before: unknown) => optionValue(name, kind, text, before, table));
}

/** The value of one option, together with what earlier ones of a repeatable option gave. */
function optionValue(
  name: string,
  kind: Kind,
  text: string,
  before: unknown,
  table: Record<string, Setting>,
): unknown {
  const parsed = parse(kind, text);
  if (parsed === undefined) throw new SettingError(name, table[name]!.expected, text);
  const value = checkSetting(table, name, parsed, text);
  if (kind === 'repeated') return [...((before as string[] | undefined) ?? []), ...(value as string[])];
  if (kind === 'pairs') return { ...(before as object | undefined), ...(value as object) };
  return value;
}

function parse(kind: Kind, text: string): unknown {
  switch (kind) {
    case 'number':
      // What is no number stays text: the schema decides, since some settings also take a word or a
      // percentage.
      return numberOf(text) ?? text.trim();
    case 'names':
      return text.split(',').map((part) => part.trim());
    case 'layers':
      return ranges(text);
    case 'repeated':
      return [text];
    case 'pairs': {
      const equals = text.indexOf('=');
      return equals < 0 ? undefined : { [text.slice(0, equals).trim()]: text.slice(equals + 1).trim() };
    }
    default:
      return text;
  }
}

/** `0,2,8-11` as numbers; what is neither a number nor a range is left as text for the schema to refuse. */
function ranges(text: string): (number | string)[] {
  return text.split(',').flatMap((part): (number | string)[] => {
    const [, from, to] = /^\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?$/.exec(part) ?? [];
    if (from === undefined) return [part];
    const length = Number(to ?? from) - Number(from) + 1;
    return length < 1 ? [part] : Array.from({ length }, (_, i) => Number(from) + i);
  });
}

function numberOf(text: string): number | undefined {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(value) ? undefined : value;
}
