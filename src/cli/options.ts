import { type Command, Option } from 'commander';
import { UserError } from '../errors.js';
import {
  descriptionOf,
  expectedOf,
  type SettingName,
  type Settings,
  settingsSchema,
} from '../settings/settings.js';

/** How the text of an option becomes the value that the settings' schema checks. */
type Kind = 'text' | 'number' | 'ratio' | 'flag' | 'names' | 'numbers' | 'repeated' | 'pairs';

interface Spelling {
  flags: string;
  kind: Kind;
}

/** One option per setting; what it means and accepts stands in settings/settings.ts. */
const spellings = {
  data: { flags: '--data <name|path>', kind: 'text' },
  split: { flags: '--split <name>', kind: 'text' },
  tokenizer: { flags: '--tokenizer <dir|id>', kind: 'text' },
  tokens: { flags: '--tokens <n|all>', kind: 'number' },
  seqLen: { flags: '--seq-len <n>', kind: 'number' },
  batchSize: { flags: '--batch-size <n>', kind: 'number' },
  shard: { flags: '--shard <i/n>', kind: 'text' },
  untilStable: { flags: '--until-stable <n>', kind: 'number' },
  resume: { flags: '--resume <file>', kind: 'text' },
  sites: { flags: '--sites <list>', kind: 'names' },
  layers: { flags: '--layers <list>', kind: 'numbers' },
  map: { flags: '--map <id=tensor>', kind: 'pairs' },
  plugin: { flags: '--plugin <file>', kind: 'repeated' },
  name: { flags: '--name <name>', kind: 'text' },
  threshold: { flags: '--threshold <x>', kind: 'number' },
  firing: { flags: '--firing <abs|positive>', kind: 'text' },
  dead: { flags: '--dead <criterion>', kind: 'text' },
  deadBelow: { flags: '--dead-below <x>', kind: 'number' },
  device: { flags: '--device <name>', kind: 'text' },
  threads: { flags: '--threads <n>', kind: 'number' },
  checkOutputs: { flags: '--check-outputs', kind: 'flag' },
  hash: { flags: '--no-hash', kind: 'flag' },
  failOn: { flags: '--fail-on <rule>', kind: 'repeated' },
  maxDeadRatio: { flags: '--max-dead-ratio <x>', kind: 'ratio' },
  baseline: { flags: '--baseline <old.json>', kind: 'text' },
  maxIncrease: { flags: '--max-increase <x>', kind: 'ratio' },
  strict: { flags: '--strict', kind: 'flag' },
  format: { flags: '--format <name>', kind: 'text' },
  report: { flags: '--report <file>', kind: 'text' },
  junit: { flags: '--junit <file>', kind: 'text' },
  markdown: { flags: '--markdown <file>', kind: 'text' },
  sarif: { flags: '--sarif <file>', kind: 'text' },
  sarifMaxLevel: { flags: '--sarif-max-level <level>', kind: 'text' },
  push: { flags: '--push <url>', kind: 'text' },
  pushDelete: { flags: '--push-delete', kind: 'flag' },
  textfile: { flags: '--textfile <file>', kind: 'text' },
  quiet: { flags: '--quiet', kind: 'flag' },
  color: { flags: '--no-color', kind: 'flag' },
  progress: { flags: '--no-progress', kind: 'flag' },
} satisfies Record<SettingName, Spelling>;

/** Help of the options that switch something off. */
const negated: Partial<Record<SettingName, string>> = {
  hash: "Leave out the SHA-256 of the model's files",
  color: 'No colours (so does the variable NO_COLOR)',
  progress: 'No progress bar',
};

/** Adds the options of these settings to a command, under a heading of its help. */
export function addSettings(command: Command, heading: string, names: readonly SettingName[]): void {
  command.optionsGroup(heading);
  for (const name of names) {
    const { flags, kind } = spellings[name];
    const option = new Option(flags, negated[name] ?? descriptionOf(name));
    if (kind !== 'flag')
      option.argParser((text: string, before: unknown) => settingOf(name, kind, text, before));
    command.addOption(option);
    if (name === 'format') command.addOption(new Option('--json', 'Short for --format json'));
  }
}

/** Settings by the headings of a command's help. */
export type SettingGroups = readonly (readonly [heading: string, names: readonly SettingName[]])[];

/** Adds the options of all groups, and `--config` for a file that may hold them. */
export function addSettingGroups(command: Command, groups: SettingGroups): void {
  for (const [heading, names] of groups) addSettings(command, heading, names);
  addConfigOption(command);
}

/** `--config`, for commands whose settings a file may hold. */
export function addConfigOption(command: Command): void {
  command.option('--config <file>', 'Options from a file (default: audit.config.json, if it is here)');
}

/** What the command line says, and nothing about what it doesn't. */
export function givenSettings(command: Command): Settings {
  const given = Object.keys(spellings).filter((name) => command.getOptionValueSource(name) === 'cli');
  const values = command.opts();
  const json = values.json === true;
  if (json && values.format !== undefined && values.format !== 'json') {
    throw new UserError(
      `\`--json\` and \`--format ${values.format}\` exclude each other.`,
      'option-conflict',
    );
  }
  return {
    ...(Object.fromEntries(given.map((name) => [name, values[name]])) as Settings),
    ...(json && { format: 'json' }),
  };
}

/** The value of one option, together with what earlier ones of a repeatable option gave. */
function settingOf(name: SettingName, kind: Kind, text: string, before: unknown): unknown {
  const value = parse(kind, text);
  const parsed = settingsSchema.shape[name].safeParse(value);
  if (value === undefined || !parsed.success) {
    const flag = spellings[name].flags.split(' ')[0];
    throw new UserError(`Expected \`${flag}\` to be ${expectedOf(name)}, got \`${text}\`.`, 'option-value');
  }
  if (kind === 'repeated') return [...((before as string[] | undefined) ?? []), ...(value as string[])];
  if (kind === 'pairs') return { ...(before as object | undefined), ...(value as object) };
  return value;
}

function parse(kind: Kind, text: string): unknown {
  switch (kind) {
    case 'number':
      // Not a number stays text: the schema decides, since some settings also take a word.
      return numberOf(text) ?? text;
    case 'ratio':
      return numberOf(text.replace(/^\s*([^\s%e]+)(?:e([+-]?\d+))?\s*%\s*$/i, hundredths)) ?? text;
    case 'names':
      return text.split(',').map((part) => part.trim());
    case 'numbers':
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

/** 0.7% as 0.7e-2, the number nearest to 0.007, which 0.7 / 100 is not. */
function hundredths(_: string, digits: string, exponent = '0'): string {
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(digits) ? `${digits}e${Number(exponent) - 2}` : '';
}
