/** What is wrong with the input or the command: one clear sentence for a person, exit code 2, no stack. */
export class UserError extends Error {
  override readonly name = 'UserError';

  /**
   * @param message What was expected, what was found, where, and what to do next.
   * @param code Stable machine-readable kind, kebab-case, e.g. `file-truncated`.
   */
  constructor(
    message: string,
    readonly code: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The run itself failed (device lost, out of memory, session process gone): exit code 3, one sentence. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** The user interrupted the run: exit code 130. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
