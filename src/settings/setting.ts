import { z } from 'zod';

/** How the command line reads a value: `names` and `layers` from a list with commas, `repeated` from an option each time. */
export type Kind = 'text' | 'number' | 'switch' | 'names' | 'layers' | 'repeated' | 'pairs';

/** Headings of a command's help. */
export type Group =
  | 'Data'
  | 'Model'
  | 'Dead neurons'
  | 'Running'
  | 'Gate'
  | 'Monitoring'
  | 'Output'
  | 'Where to'
  | 'Repair'
  | 'Network'
  | 'Simulation'
  | 'Models'
  | 'Server'
  | 'Reports';

/** One thing that a user can set: all that the library, the configuration file, the flags and the API know of it. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  schema: S;
  kind: Kind;
  group: Group;
  /** Completes the sentence "Expected … to be ". */
  expected: string;
  /** The words that a setting may be one of, for "did you mean". */
  words?: readonly string[];
  /** A line of help. */
  help: string;
  /** Letter of a short option, as in `-o`. */
  short?: string;
  /** Name of the value in help, as in `n|all`; absent for a switch. */
  value?: string;
  /** Help of `--no-NAME`, the option of a switch that is on unless it is switched off. */
  helpOff?: string;
  /** A `file` is relative to the folder of the configuration file; so is a `name`, if a file of that name is there. */
  path?: 'file' | 'name';
  /** True if a request to the server may set it: nothing that names a file of the server. */
  request?: true;
}

type About = Omit<Setting, 'schema' | 'kind' | 'expected'>;

/** Text of at least one character. */
export const text = z.string().min(1);

/** A text; `schema` narrows it down. */
export function textSetting(
  expected: string,
  about: About,
  schema: z.ZodType<string> = text,
): Setting<z.ZodType<string>> {
  return { kind: 'text', schema, expected, ...about };
}

/** One word of a few. */
export function choice<const W extends string>(words: readonly W[], about: About): Setting<z.ZodType<W>> {
  return { kind: 'text', schema: z.enum(words), expected: `one of ${words.join(', ')}`, words, ...about };
}

/** A whole number from `least` to `most`; each limit has a reason, which stands where the setting is defined. */
export function wholeNumber(least: number, most: number, about: About): Setting<z.ZodType<number>> {
  const unlimited = most === Number.MAX_SAFE_INTEGER;
  const range = unlimited ? `from ${least}` : `from ${least} to ${most.toLocaleString('en-US')}`;
  const expected = `a whole number ${range}`;
  return { kind: 'number', schema: z.int().min(least).max(most), expected, ...about };
}

/** A number of at least 0 that float32 can hold, since values are compared in float32. */
export function magnitude(about: About): Setting<z.ZodType<number>> {
  return {
    kind: 'number',
    schema: z.number().min(0).max(LARGEST_FLOAT32),
    expected: 'a number from 0',
    ...about,
  };
}

/** A share of something: 0.05, or the text `5%`. */
export function ratio(about: About): Setting<z.ZodType<number>> {
  return { kind: 'number', schema: ratioSchema, expected: 'a ratio from 0 to 1, as in 0.05 or 5%', ...about };
}

export function switchSetting(about: About): Setting<z.ZodType<boolean>> {
  return { kind: 'switch', schema: z.boolean(), expected: 'true or false', ...about };
}

/** Largest finite number of float32. */
export const LARGEST_FLOAT32 = 3.4028234663852886e38;

const percentPattern = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*%$/i;

const ratioSchema = z.union([
  z.number().min(0).max(1),
  z.string().regex(percentPattern).transform(percent).pipe(z.number().min(0).max(1)),
]);

/** Reads `0.7%` as 0.7e-2: the number nearest to 0.007, which 0.7 / 100 is not. */
export function percent(text: string): number {
  const [digits = '', exponent = '0'] = text.replace(/\s*%$/, '').split(/e/i);
  return Number(`${digits}e${Number(exponent) - 2}`);
}
