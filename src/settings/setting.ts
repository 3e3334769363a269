import { z } from 'zod';

/**
 * Form of a value on the command line: `names` and `layers` are lists with commas, a `repeated` option may
 * stand several times, and `pairs` are `KEY=VALUE`.
 */
export type Kind = 'text' | 'number' | 'switch' | 'names' | 'layers' | 'repeated' | 'pairs';

/**
 * One thing that a user can set: all that the library, the configuration file, the flags and the API know of
 * it.
 */
export interface Setting<S extends z.ZodType = z.ZodType> {
  schema: S;
  kind: Kind;
  /** Heading of its option in help. */
  group: string;
  /** Completes the sentence "Expected … to be ". */
  expected: string;
  /** A line of help, without the default. */
  help: string;
  /** The value that an absent setting has. */
  default?: string | number;
  /** Meaning of an absent setting, if no one value says it. */
  otherwise?: string;
  /** Name of the value in help, as in `n|all`; absent for a switch. */
  value?: string;
  /** Letter of a short option, as in `-o`. */
  short?: string;
  /** Help of `--no-NAME`, the option of a switch that is on unless it is switched off. */
  helpOff?: string;
  /** Words that a value may be one of, for "did you mean". */
  words?: readonly string[];
  /**
   * A `file` is relative to the folder of the configuration file; so is a `name`, if a file of that name is
   * there.
   */
  path?: 'file' | 'name';
  /** True if the command does not work without it. */
  required?: true;
  /** True if a request to the server may set it: nothing that names a file of the server. */
  request?: true;
}

/** The facts of a setting besides its schema; `group` adds its heading. */
type Facts = Omit<Setting, 'schema' | 'kind' | 'group' | 'expected' | 'words'>;
type Ungrouped<S extends z.ZodType> = Omit<Setting<S>, 'group'>;

/** Puts settings under a heading. */
export function group<T extends Record<string, Omit<Setting, 'group'>>>(
  heading: string,
  settings: T,
): { [Name in keyof T]: Setting<T[Name]['schema']> } {
  const entries = Object.entries(settings).map(([name, setting]) => [name, { ...setting, group: heading }]);
  return Object.fromEntries(entries);
}

/** Text of at least one character. */
export const text = z.string().min(1);

/** A text; `schema` narrows it down. */
export function textSetting(
  expected: string,
  facts: Facts,
  schema: z.ZodType<string> = text,
): Ungrouped<z.ZodType<string>> {
  return { kind: 'text', schema, expected, ...facts };
}

/** The path of a file. */
export function fileSetting(facts: Facts): Ungrouped<z.ZodType<string>> {
  return textSetting('the path of a file', { value: 'file', path: 'file', ...facts });
}

/** One word of a few. */
export function choice<const W extends string>(words: readonly W[], facts: Facts): Ungrouped<z.ZodType<W>> {
  return { kind: 'text', schema: z.enum(words), expected: `one of ${words.join(', ')}`, words, ...facts };
}

/** A whole number from `least` to `most`; where a limit is defined, a comment gives its reason. */
export function wholeNumber(least: number, most: number, facts: Facts): Ungrouped<z.ZodType<number>> {
  const expected = `a whole number from ${least} to ${most.toLocaleString('en-US')}`;
  return { kind: 'number', schema: z.int().min(least).max(most), expected, value: 'n', ...facts };
}

/** A number of at least 0 that float32 can hold, since values are compared in float32. */
export function magnitude(facts: Facts): Ungrouped<z.ZodType<number>> {
  const schema = z.number().min(0).max(LARGEST_FLOAT32);
  return { kind: 'number', schema, expected: 'a number from 0', value: 'x', ...facts };
}

/** A share of something: 0.05, or the text `5%`. */
export function ratio(facts: Facts): Ungrouped<z.ZodType<number>> {
  const schema = z.union([
    z.number().min(0).max(1),
    z.string().regex(PERCENT).transform(percent).pipe(z.number().min(0).max(1)),
  ]);
  return { kind: 'number', schema, expected: 'a ratio from 0 to 1, as in 0.05 or 5%', value: 'x', ...facts };
}

/** A time in seconds, or a text with a unit: `6h`, `30m`, `1.5 s`, `100ms`. */
export function seconds(least: string, most: string, facts: Facts): Ungrouped<z.ZodType<number>> {
  const range = z.number().min(secondsOf(least)).max(secondsOf(most));
  const schema = z.union([range, z.string().regex(TIME).transform(secondsOf).pipe(range)]);
  const expected = `a time from ${least} to ${most}, as in \`6h\`, \`30m\` or \`2s\``;
  return { kind: 'number', schema, expected, value: 'time', ...facts };
}

export function switchSetting(facts: Facts): Ungrouped<z.ZodType<boolean>> {
  return { kind: 'switch', schema: z.boolean(), expected: 'true or false', ...facts };
}

/** Returns the line of help with the default. */
export function helpOf(setting: Setting): string {
  const { help, helpOff } = setting;
  const absent = setting.otherwise ?? setting.default;
  return (helpOff ?? help) + (absent === undefined ? '' : ` (default: ${absent})`);
}

/** Reads `0.7%` as 0.7e-2: the number nearest to 0.007, which 0.7 / 100 is not. */
export function percent(text: string): number {
  const [digits = '', exponent = '0'] = text.replace(/\s*%$/, '').split(/e/i);
  return Number(`${digits}e${Number(exponent) - 2}`);
}

const PERCENT = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*%$/i;

/** Largest finite number of float32. */
const LARGEST_FLOAT32 = 3.4028234663852886e38;

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };
const TIME = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/;

function secondsOf(text: string): number {
  const [, number, unit = 's'] = TIME.exec(text)!;
  return Number(number) * UNITS[unit]!;
}
