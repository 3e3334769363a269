import { UserError } from '../../errors.js';
import { number } from '../../report/format.js';
import type { Choice } from './choose.js';
import type { PruneOptions } from './options.js';

/**
 * Requires the user's consent to remove neurons that are dead on the data only: on other data they may be
 * alive. A model of wake words has neurons that fire at nothing but the word.
 *
 * @throws UserError that names the three ways on, unless one of them was taken.
 */
export function requireConsent(choices: readonly Choice[], { yes, verify }: PruneOptions): void {
  const removed = choices.reduce((sum, choice) => sum + choice.removed.length, 0);
  const proven = choices.reduce((sum, choice) => sum + choice.proven, 0);
  if (removed === proven || yes || verify !== undefined) return;
  const are = (count: number) => `${number(count)} ${count === 1 ? 'is' : 'are'}`;
  throw new UserError(
    `Of ${number(removed)} neurons that could go ${are(proven)} proven to have one value for every input, and ` +
      `${are(removed - proven)} dead on this data only: remove the proven ones with \`only=proven\`, check the others ` +
      'on a second data set with `verify=DATA`, or remove them all with `yes`.',
    'unproven-neurons',
    { settings: ['only', 'verify', 'yes'] },
  );
}
