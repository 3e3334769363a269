import { SettingError, UserError } from '../../errors.js';
import { number } from '../../report/format.js';
import type { AuditOptions } from '../../settings/options.js';

export interface PruneOptions extends AuditOptions {
  /** Path of the smaller model. */
  output: string;
  /** Widths stay multiples of this; default 1. */
  align?: number;
  /** Removes only neurons that are proven to have one value for every input. */
  only?: 'proven';
  /** Second data set: neurons must have the same value there, and the outputs are compared there, too. */
  verify?: string;
  /** True to remove neurons that are dead on the data, though not proven to be so for every input. */
  yes?: boolean;
}

/**
 * Largest `align`: hardware works in tiles of 8 to 256 neurons, and a much wider multiple keeps every layer
 * as it is.
 */
const MOST_ALIGN = 4096;

/** Checks the options of a pruning itself. @throws UserError for a value that one of them cannot have. */
export function checkPruneOptions({ align = 1, only, verify, data = 'sample', dead }: PruneOptions): void {
  checkAlign(align);
  if (only !== undefined && only !== 'proven') throw new SettingError('only', '`proven`', only);
  if (only !== undefined && dead !== undefined) {
    throw new UserError(
      '`only=proven` and `dead` exclude each other: a criterion is about data, and a proof is not.',
      'option-conflict',
      { settings: ['only', 'dead'] },
    );
  }
  if (verify === data) {
    throw new SettingError('verify', `another data set than the first, \`${data}\``, verify);
  }
}

/**
 * Returns the command for the lineage of the smaller model: the options that decide which neurons it has
 * lost.
 */
export function commandOf({ align = 1, dead, deadBelow, only, verify }: PruneOptions): string {
  const parts = [
    'audit prune',
    only === undefined ? '' : `--only ${only}`,
    verify === undefined ? '' : `--verify ${verify}`,
    align === 1 ? '' : `--align ${align}`,
    dead === undefined ? '' : `--dead ${dead}`,
    deadBelow === undefined ? '' : `--dead-below ${deadBelow}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** Checks `align`; `shown` is the text that the user wrote. @throws SettingError for a width that is none. */
export function checkAlign(align: number, shown: string | number = align): void {
  if (Number.isInteger(align) && align >= 1 && align <= MOST_ALIGN) return;
  throw new SettingError('align', `a whole number from 1 to ${number(MOST_ALIGN)}`, shown);
}
