export interface UserErrorOptions extends ErrorOptions {
  /**
   * Names of the settings that the message mentions, each in backticks: `` `seqLen` ``, or `` `data=feeds.npz` `` with a
   * value. A user of the library or of a configuration file reads them so; `cli` shows `--seq-len` and `--data feeds.npz`.
   */
  settings?: readonly string[];
}

/**
 * Something is wrong with the input or the command: one clear sentence for a person, exit code 2, no stack.
 *
 * A message speaks of settings, never of flags, and lists those it mentions:
 *
 *     throw new UserError(
 *       'The model takes neither text nor a graph; supply arrays with `data=feeds.npz`, or use `data=random`.',
 *       'data-no-sample',
 *       { settings: ['data'] },
 *     );
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly settings: readonly string[];

  /**
   * @param message What was expected, what was found, where, and what to do next.
   * @param code Stable machine-readable kind, kebab-case, e.g. `file-truncated`.
   */
  constructor(
    message: string,
    readonly code: string,
    { settings = [], ...options }: UserErrorOptions = {},
  ) {
    super(message, options);
    this.settings = settings;
  }
}

interface SettingErrorOptions extends UserErrorOptions {
  code?: string;
  hint?: string;
}

/**
 * A setting has a value that it cannot have: ``Expected `align` to be a whole number from 1, got `0`.``
 *
 * @example throw new SettingError('align', 'a whole number from 1', align);
 */
export class SettingError extends UserError {
  override readonly name = 'SettingError';

  /**
   * @param setting As in the library's options, in camelCase.
   * @param expected Completes the sentence "Expected … to be ".
   * @param found The value as it was set.
   * @param options `hint` is a further sentence, with the blank before it; `code` is `option-value` by default.
   */
  constructor(
    readonly setting: string,
    readonly expected: string,
    readonly found: unknown,
    { code = 'option-value', hint = '', ...options }: SettingErrorOptions = {},
  ) {
    const shown = found === undefined ? 'nothing' : `\`${valueText(found)}\``;
    super(`Expected \`${setting}\` to be ${expected}, got ${shown}.${hint}`, code, {
      ...options,
      settings: [setting, ...(options.settings ?? [])],
    });
  }
}

/** The run itself failed (device lost, out of memory, session process gone): exit code 3, one sentence. */
export class RunError extends Error {
  override readonly name = 'RunError';
  /** As in `UserErrorOptions`. */
  readonly settings: readonly string[];

  constructor(message: string, { settings = [], ...options }: UserErrorOptions = {}) {
    super(message, options);
    this.settings = settings;
  }
}

/** The user interrupted the run: exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}

/**
 * Returns " Did you mean `x`?" for the known word that is nearest to a mistyped one, or nothing where none is near:
 * fewer than one letter in three may be missing, wrong, too many, or in its neighbour's place.
 */
export function didYouMean(word: string, known: readonly string[]): string {
  const typed = word.toLowerCase().slice(0, LONGEST_WORD);
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(typed, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance < Math.max(typed.length, candidate.length) / 3)
    .sort((a, b) => a.distance - b.distance)[0];
  return near ? ` Did you mean \`${near.candidate}\`?` : '';
}

/** Nobody mistypes a longer word; the comparison takes time with the square of its length. */
const LONGEST_WORD = 64;

/** Edits (a letter inserted, removed, replaced, or swapped with the next) from `a` to `b`: Damerau's distance. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(replaced, rows[i - 1]![j]! + 1, row[j - 1]! + 1, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
