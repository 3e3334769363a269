export interface UserErrorOptions extends ErrorOptions {
  /**
   * Names of the settings that the message mentions, each in backticks: `seqLen`, or `data=feeds.npz` with a
   * value. A user of the library or of a configuration file reads them so; `cli` shows `--seq-len` and
   * `--data feeds.npz`.
   */
  settings?: readonly string[];
  /** Lines to show below the message, such as a rule with a mark where it is wrong. */
  details?: readonly string[];
}

/**
 * Something is wrong with the input or the command: one clear sentence for a person, exit code 2, no stack.
 *
 * A message speaks of settings, never of flags, and lists those it mentions:
 *
 * throw new UserError(
 * 'The model takes neither text nor a graph; supply arrays with `data=feeds.npz`, or use `data=random`.',
 * 'data-no-sample',
 * { settings: ['data'] },
 * );
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly settings: readonly string[];
  readonly details: readonly string[];

  /**
   * @param message What was expected, what was found, where, and what to do next.
   * @param code Stable machine-readable kind, kebab-case, e.g. `file-truncated`.
   */
  constructor(
    message: string,
    readonly code: string,
    { settings = [], details = [], ...options }: UserErrorOptions = {},
  ) {
    super(printable(shortened(message)), options);
    this.settings = settings;
    this.details = details.map(printable);
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
   * @param options `hint` is a further sentence, with the blank before it; `code` is `option-value` by
   *   default.
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
    super(printable(shortened(message)), options);
    this.settings = settings;
  }
}

/** The user interrupted the run: exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Messages longer than this are cut in the middle: a name in a file may have any length. */
const LONGEST_MESSAGE = 4000;

function shortened(message: string): string {
  if (message.length <= LONGEST_MESSAGE) return message;
  const half = LONGEST_MESSAGE / 2;
  return `${message.slice(0, half)} … ${message.slice(-half)}`;
}

/**
 * Returns a text that nobody obeys who shows it: names come from files that others wrote. Control characters,
 * and those that turn the direction of writing, become their codes (`\u001b`). So do the first letters of
 * what GitHub's runner takes for a command: `::` at the start of a word or before a command's name, and
 * `##[`. Applied twice it does no more.
 */
export function printable(text: string): string {
  return text
    .replace(CONTROL, code)
    .replace(COMMAND, (letters) => code(letters.charAt(0)) + letters.slice(1));
}

const CONTROL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands; a long word may be cut
 * before one.
 */
const COMMAND =
  /(?<=^|\s|\\n)::|::(?=(?:add-|debug|echo|endgroup|error|group|notice|remove-|save-|set-|stop-|warning))|##(?=\[)/gi;

function code(letter: string): string {
  if (letter === '\n') return '\\n';
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function valueText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * Returns " Did you mean `x`?" for the known word that is nearest to a mistyped one, or nothing where none is
 * near: fewer than one letter in three may be missing, wrong, too many, or in its neighbour's place.
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

/**
 * Edits (a letter inserted, removed, replaced, or swapped with the next) from `a` to `b`: Damerau's distance.
 */
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
