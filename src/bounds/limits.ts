import { SettingError, UserError } from '../errors.js';
import { number } from '../report/format.js';

/** The numbers that a user of `bounds` gives. */
export type NumberName = 'width' | 'depth' | 'kernel' | 'networks' | 'points' | 'side' | 'seed';

interface Limit {
  least: number;
  most: number;
  /** Reason for `most`; completes "since …". */
  reason: string;
}

/** Whole numbers that `bounds` accepts; `checkSimulation` limits simulated networks further. */
export const LIMITS: Readonly<Record<NumberName, Limit>> = {
  // With the largest kernel N²M² + N stays below 2^53, where whole numbers are exact.
  width: { least: 1, most: 1_000_000, reason: 'no layer is wider' },
  kernel: { least: 1, most: 64, reason: 'no kernel is larger' },
  depth: { least: 1, most: 1e15, reason: 'whole numbers near 2^53 are no longer exact' },
  networks: { least: 1, most: 100_000, reason: 'the 95 % interval is then within ± 0.4 %' },
  points: { least: 1, most: 2 ** 24, reason: 'float32 counts points exactly up to there' },
  side: { least: 1, most: 1024, reason: 'the images of a network must fit into memory' },
  seed: { least: 0, most: 2 ** 32 - 1, reason: 'a seed has 32 bits' },
};

/**
 * Checks one number.
 *
 * @param shown What the user wrote, if it was text.
 * @throws SettingError when it is not a whole number within its limits.
 */
export function checkNumber(name: NumberName, value: number, shown: string | number = value): void {
  const { least, most, reason } = LIMITS[name];
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const because = value > most ? ` (no more, since ${reason})` : '';
  throw new SettingError(name, `a whole number from ${least} to ${number(most)}${because}`, shown);
}

/** Checks all numbers that are there. @throws SettingError for the first that is not within its limits. */
export function checkNumbers(numbers: Partial<Record<NumberName, number | undefined>>): void {
  for (const name of Object.keys(LIMITS) as NumberName[]) {
    const value = numbers[name];
    if (value !== undefined) checkNumber(name, value);
  }
}

/** Checks a probability. @throws SettingError when it is not between 0 and 1, both excluded. */
export function checkProbability(value: number, shown: string | number = value): void {
  if (value > 0 && value < 1) return;
  throw new SettingError('probability', 'a number between 0 and 1, both excluded', shown);
}

/** Widest and deepest network that is simulated: 32 layers of its weights take 128 MiB. */
const SIMULATED = { width: 1024, depth: 4096 };

/** Most numbers in the state of one simulated network: 64 MiB, of which ONNX Runtime holds several. */
const MOST_STATE_NUMBERS = 2 ** 24;

/**
 * Checks that a network can be simulated in memory.
 *
 * @throws UserError that names the number to make smaller.
 */
export function checkSimulation(network: {
  width: number;
  depth: number;
  points: number;
  /** `null` for dense layers. */
  convolution: { kernel: number; side: number } | null;
}): void {
  const { width, depth, points, convolution } = network;
  const { kernel, side } = convolution ?? { kernel: 1, side: 1 };
  const check = (what: string, value: number, most: number) => {
    if (value <= most) return;
    throw new UserError(
      `A simulation goes up to ${what} of ${number(most)}, since it must fit into memory; got ${number(value)}.`,
      'option-value',
      { settings: ['width', 'depth', 'kernel', 'points', 'side'] },
    );
  };
  check(convolution ? '`width` × `kernel`' : 'a `width`', width * kernel, SIMULATED.width);
  check('a `depth`', depth, SIMULATED.depth);
  check(
    convolution ? '`width` × `side`² × `points`' : '`width` × `points`',
    width * side ** 2 * points,
    MOST_STATE_NUMBERS,
  );
}
