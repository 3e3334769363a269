import type { NdArray } from '../onnx/array.js';
import type { ModelInput } from './types.js';

/** Rows of tokens to feed at once. */
export interface TokenRows {
  batch: number;
  seqLen: number;
  /** Token ids, [batch, sequence]. */
  ids: Int32Array;
  /** 1 for a token, 0 for padding, [batch, sequence]; `null` when there is no padding. */
  mask: Uint8Array | null;
  /** Length of a key-value cache that the file fixes; 0 as a rule. */
  past: number;
  /** Token that a decoder's shifted input starts with. */
  startToken: number;
}

/** One way to fill an input: the inputs that it fits (by name, rank and type), and the array that goes in. */
export interface InputRole {
  name: string;
  fits(input: ModelInput): boolean;
  fill(input: ModelInput, rows: TokenRows): NdArray;
}
