import { didYouMean, SettingError, UserError } from '../../errors.js';
import { spellingOf, WRITTEN_ACTIVATIONS, type WrittenActivation } from './spellings.js';

/** An activation function to put into a model. */
export interface Activation {
  name: WrittenActivation;
  /** Parameter of the function; `null`: its default. */
  alpha: number | null;
  /** Name in reports: `silu`, and `leaky_relu(0.8)` where the parameter stands in the name. */
  label: string;
}

/** Other names that people type, without `-` and `_`. */
const aliases: Record<string, WrittenActivation> = {
  swish: 'silu',
  gelunew: 'gelu_tanh',
  gelupytorchtanh: 'gelu_tanh',
};

/**
 * Reads the names of activation functions: `leaky_relu`, `LeakyReLU` and `leaky-relu` are one, `swish` is
 * `silu`. A parameter may follow: `leaky_relu:0.8`.
 *
 * @param alpha Parameter of those functions that have one and none after their name.
 * @returns Each function once.
 * @throws SettingError for a name that is not known, and for a parameter that no function has.
 */
export function readActivations(names: readonly string[], alpha?: number): Activation[] {
  if (names.length === 0) throw new SettingError('to', EXPECTED, undefined);
  const read = names.map((name) => readActivation(name, alpha));
  if (alpha !== undefined && read.every(({ name }) => spellingOf(name).alpha === undefined)) {
    const which = WRITTEN_ACTIVATIONS.filter((name) => spellingOf(name).alpha !== undefined).join(' and ');
    throw new UserError(`\`alpha\` is of ${which}: name one of them in \`to\`.`, 'option-conflict', {
      settings: ['alpha', 'to'],
    });
  }
  return [...new Map(read.map((activation) => [activation.label, activation])).values()];
}

const EXPECTED = `some of ${WRITTEN_ACTIVATIONS.join(', ')}`;

function readActivation(text: string, alpha?: number): Activation {
  const [, typed = '', parameter] = /^([^:]*)(?::(.*))?$/.exec(text)!;
  const key = plain(typed);
  const name = WRITTEN_ACTIVATIONS.find((known) => plain(known) === key) ?? aliases[key];
  if (!name) {
    throw new SettingError('to', EXPECTED, text, { hint: didYouMean(typed, WRITTEN_ACTIVATIONS) });
  }
  const hasParameter = spellingOf(name).alpha !== undefined;
  if (parameter === undefined) return { name, alpha: hasParameter ? (alpha ?? null) : null, label: name };
  const value = parameter.trim() === '' ? Number.NaN : Number(parameter);
  if (hasParameter && Number.isFinite(value)) return { name, alpha: value, label: `${name}(${value})` };
  const expected = hasParameter
    ? `\`${name}\` with a number, as in \`${name}:0.5\``
    : `\`${name}\` without a number`;
  throw new SettingError('to', expected, text);
}

const plain = (name: string): string => name.toLowerCase().replace(/[\s_-]/g, '');
