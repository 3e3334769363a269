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
   * @param code Default: `option-value`.
   */
  constructor(
    readonly setting: string,
    readonly expected: string,
    readonly found: unknown,
    code = 'option-value',
    options: UserErrorOptions = {},
  ) {
    const shown = found === undefined ? 'nothing' : `\`${valueText(found)}\``;
    super(`Expected \`${setting}\` to be ${expected}, got ${shown}.`, code, {
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
