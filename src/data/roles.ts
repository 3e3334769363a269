import type { NdArray } from '../onnx/array.js';
import { DataType, isFloat } from '../onnx/data-types.js';
import { arrayOf, elements, inputType, zeros } from './arrays/convert.js';
import type { InputRole, TokenRows } from './input-role.js';
import type { ModelInput } from './types.js';

/**
 * Ways to fill the inputs of exported token models. The first that fits is taken. To support one more input,
 * add an entry. B = batch, S = sequence, P = past (0 unless the file fixes it).
 */
export const inputRoles: InputRole[] = [
  {
    name: 'input_ids',
    fits: (input) =>
      isInteger(input) && named(input, /^(encoder_)?(input_?ids|input_?tokens|token_?ids|tokens|ids)$/),
    fill: (input, rows) => integers(input, rows, rows.ids),
  },
  {
    name: 'decoder_input_ids',
    fits: (input) => isInteger(input) && named(input, /^decoder_input_ids$/),
    fill: (input, rows) => integers(input, rows, shiftRight(rows)),
  },
  {
    name: 'attention_mask',
    fits: (input) =>
      named(input, /^((encoder_|decoder_)?attention_mask|input_mask|padding_mask|mask)$/) &&
      (input.shape?.length ?? 2) <= 2,
    fill: attentionMask,
  },
  {
    name: 'position_ids',
    fits: (input) => isInteger(input) && named(input, /^(position_?ids|positions|pos_ids|cache_position)$/),
    fill: (input, rows) =>
      integers(
        input,
        rows,
        rows.ids.map((_, index) => rows.past + (index % rows.seqLen)),
      ),
  },
  {
    name: 'token_type_ids',
    fits: (input) => isInteger(input) && named(input, /^(token_?type_?ids|segment_?ids|token_types)$/),
    fill: (input, rows) => integers(input, rows, new Int32Array(rows.ids.length)),
  },
  {
    name: 'past',
    fits: (input) => named(input, /^(past|cache|.*past_key_value|.*past_conv|.*past_key|.*past_value)/),
    fill: emptyPast,
  },
  {
    name: 'use_cache_branch',
    fits: (input) => input.elemType === DataType.BOOL && named(input, /^use_cache(_branch)?$/),
    fill: (input) => {
      const dims = (input.shape ?? [1]).map((size) => (typeof size === 'number' ? size : 1));
      return zeros('bool', dims);
    },
  },
  {
    name: 'input_ids',
    fits: (input) => isInteger(input) && named(input, /^input(s|_?\d+)?$/) && (input.shape?.length ?? 2) >= 2,
    fill: (input, rows) => integers(input, rows, rows.ids),
  },
];

/** Compares the name without a `:0` at its end and without `/` scopes, in lower case. */
function named(input: ModelInput, pattern: RegExp): boolean {
  return pattern.test(input.name.toLowerCase().replace(/:\d+$/, '').replace(/^.*\//, ''));
}

function isInteger(input: ModelInput): boolean {
  return !isFloat(input.elemType) && input.elemType !== DataType.BOOL && input.elemType !== DataType.STRING;
}

/**
 * Returns [B, S] numbers in the rank of the input: [S] and [1, S] take the first row, higher ranks get
 * leading 1s.
 */
function integers(input: ModelInput, rows: TokenRows, values: Int32Array): NdArray {
  const { batch, seqLen } = rows;
  const type = inputType(input.elemType, input.name);
  const rank = input.shape?.length ?? 2;
  if (rank === 1) return arrayOf(type, [seqLen], values.subarray(0, seqLen));
  const leading: number[] = new Array(Math.max(0, rank - 2)).fill(1);
  const oneRow = input.shape?.at(-2) === 1;
  return arrayOf(
    type,
    [...leading, oneRow ? 1 : batch, seqLen],
    oneRow ? values.subarray(0, seqLen) : values,
  );
}

/** Returns ones at tokens, zeros at padding and at a cache of fixed length: [B, P + S]. */
function attentionMask(input: ModelInput, rows: TokenRows): NdArray {
  const { batch, seqLen, mask } = rows;
  const cache = /^encoder_/.test(input.name) ? 0 : rows.past;
  const width = cache + seqLen;
  const values = new Uint8Array(batch * width);
  for (let row = 0; row < batch; row++) {
    for (let at = 0; at < seqLen; at++) values[row * width + cache + at] = mask?.[row * seqLen + at] ?? 1;
  }
  const dims = input.shape?.length === 1 ? [width] : [batch, width];
  return arrayOf(inputType(input.elemType, input.name), dims, values.subarray(0, elements(dims)));
}

/**
 * Returns an empty cache: the batch axis has the batch's size, every other axis that the file leaves open has
 * length 0.
 */
function emptyPast(input: ModelInput, rows: TokenRows): NdArray {
  const shape = input.shape ?? [null, null, null, null];
  const isBatch = (name: string | number | null, axis: number) =>
    typeof name === 'string' && /batch/i.test(name) ? true : axis === 0 && typeof name !== 'number';
  const dims = shape.map((size, axis) =>
    typeof size === 'number' ? size : isBatch(size, axis) ? rows.batch : 0,
  );
  return zeros(inputType(input.elemType, input.name), dims);
}

/** Returns the start token and then the same ids, each one place later. */
function shiftRight({ ids, seqLen, startToken }: TokenRows): Int32Array {
  return ids.map((_, index) => (index % seqLen === 0 ? startToken : ids[index - 1]!));
}
