import { UserError } from '../errors.js';
import type { Dimension } from '../graph/types.js';
import type { NdArray } from '../onnx/array.js';
import { dataTypeName } from '../onnx/data-types.js';
import type { InputRole, TokenRows } from './input-role.js';
import { inputRoles } from './roles.js';
import type { ModelInput } from './types.js';

/** Roles of a plugin: they are tried before the built-in ones. */
export interface Feeder {
  roles: InputRole[];
}

/** Role of each input of a model. */
export interface FeedPlan {
  /** The input of token ids; its shape says what is fixed. */
  ids: ModelInput;
  /** True if the model can be told of padding: it takes an attention mask. */
  maskable: boolean;
  fill(rows: Omit<TokenRows, 'past' | 'startToken'>): Record<string, NdArray>;
}

/**
 * Finds a role for every input of a token model.
 *
 * @param startToken Token that a decoder's shifted input starts with.
 * @throws UserError naming the first input nobody can fill, or when there is no input for token ids.
 */
export function planFeeds(
  inputs: ModelInput[],
  feeder: Feeder | undefined,
  startToken: number,
  source = 'text',
): FeedPlan {
  const roles = [...(feeder?.roles ?? []), ...inputRoles];
  const plan = inputs.map((input) => {
    const role = roles.find((each) => each.fits(input));
    if (role === undefined) throw unfilled(input, source);
    return { input, role };
  });
  const ids =
    plan.find(({ role }) => role.name === 'input_ids') ??
    plan.find(({ role }) => role.name === 'decoder_input_ids');
  if (ids === undefined) {
    throw new UserError(
      `None of the model's inputs takes token ids (${describeInputs(inputs)}), so it cannot be fed with ${source}; ` +
        'supply arrays named after its inputs with --data feeds.npz, or use --data random.',
      'input-unfilled',
    );
  }
  const past = Math.max(0, ...plan.map(({ input, role }) => (role.name === 'past' ? fixedPast(input) : 0)));
  return {
    ids: ids.input,
    maskable: plan.some(({ role }) => role.name === 'attention_mask'),
    fill: (rows) =>
      Object.fromEntries(
        plan.map(({ input, role }) => [input.name, role.fill(input, { ...rows, past, startToken })]),
      ),
  };
}

/** Returns the length of the cache if the file fixes it ([batch, heads, past, head_dim]), else 0. */
function fixedPast(input: ModelInput): number {
  const size = input.shape?.at(-2);
  return typeof size === 'number' ? size : 0;
}

/** Returns the error for an input that no role can fill. */
export function unfilled(input: ModelInput, source: string): UserError {
  return new UserError(
    `The model's input ${describeInput(input)} cannot be filled from ${source}; supply all inputs as arrays ` +
      'named after them with --data feeds.npz.',
    'input-unfilled',
  );
}

/** `"input_ids" (int64 [batch, sequence])` */
export function describeInput(input: ModelInput): string {
  const shape = input.shape === null ? 'of unknown shape' : `[${input.shape.map(dimension).join(', ')}]`;
  return `"${input.name}" (${dataTypeName(input.elemType)} ${shape})`;
}

/** Lists all inputs in one line. */
export function describeInputs(inputs: ModelInput[]): string {
  return inputs.map(describeInput).join(', ') || 'it has no inputs';
}

function dimension(size: Dimension): string {
  return String(size ?? '?');
}
