import { UserError } from '../errors.js';
import type { Destination, destinationSettings } from '../repair/destination.js';
import type { ValuesOf } from '../settings/settings.js';

/** Flags of which one says where the changed model goes. */
export type DestinationFlags = ValuesOf<typeof destinationSettings>;

/**
 * Returns where the changed model goes; `null` for a dry run.
 *
 * @param participle What is done to the model, for the error: `stripped`.
 * @throws UserError when none or several flags are set.
 */
export function destination(
  { output, inPlace, dryRun }: DestinationFlags,
  participle: string,
): Destination | null {
  const set = [output !== undefined && '-o', inPlace && '--in-place', dryRun && '--dry-run'].filter(Boolean);
  if (set.length > 1) {
    throw new UserError(`\`${set[0]}\` and \`${set[1]}\` exclude each other.`, 'option-conflict');
  }
  if (set.length === 0) {
    throw new UserError(
      `Expected \`-o OUT.onnx\`, \`--in-place\` or \`--dry-run\`: where should the ${participle} model go?`,
      'no-destination',
    );
  }
  if (output !== undefined) return { output };
  return inPlace ? { inPlace: true } : null;
}
