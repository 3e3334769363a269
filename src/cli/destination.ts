import { UserError } from '../errors.js';
import type { Destination } from '../repair/destination.js';

/** The three ways a repair can go, of which one must be chosen. */
export interface GivenDestination {
  output?: string;
  inPlace?: boolean;
  dryRun?: boolean;
}

/**
 * Where the changed model goes; `null` for a dry run.
 *
 * @param changed What the model is then, for the error: `stripped`.
 * @throws UserError when none or several are chosen.
 */
export function destination(
  { output, inPlace, dryRun }: GivenDestination,
  changed: string,
): Destination | null {
  const chosen = [output !== undefined && '-o', inPlace && '--in-place', dryRun && '--dry-run'].filter(
    Boolean,
  );
  if (chosen.length > 1) {
    throw new UserError(`\`${chosen[0]}\` and \`${chosen[1]}\` exclude each other.`, 'option-conflict');
  }
  if (chosen.length === 0) {
    throw new UserError(
      `Expected \`-o OUT.onnx\`, \`--in-place\` or \`--dry-run\`: where should the ${changed} model go?`,
      'no-destination',
    );
  }
  if (output !== undefined) return { output };
  return inPlace ? { inPlace: true } : null;
}
