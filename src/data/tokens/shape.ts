import { UserError } from '../../errors.js';
import type { DataSpec } from '../spec.js';
import type { ModelInput } from '../types.js';

/** Shape of text batches for one model. */
export interface TextShape {
  seqLen: number;
  batchSize: number;
  /** The file fixes the size: every batch has exactly this shape. */
  fixedSeqLen: boolean;
  fixedBatch: boolean;
}

/** Positions in an automatic batch: enough to keep all cores busy, little enough for a laptop's memory. */
const positionsPerBatch = 1024;
const automaticSeqLen = 256;

/**
 * Returns the shape of text batches: fixed by the file, else by the settings, else automatic. Automatic are
 * 256 tokens (fewer when the position embedding is shorter), and as many rows as make 1,024 positions.
 *
 * @param ids The model's input of token ids, [batch, sequence].
 * @throws UserError when an option contradicts the model.
 */
export function textShape(
  ids: ModelInput,
  spec: Pick<DataSpec, 'seqLen' | 'batchSize' | 'maxPositions'>,
  specialTokens: number,
): TextShape {
  const fixedSeqLen = fixedSize(ids, -1);
  const fixedBatch = (ids.shape?.length ?? 2) > 1 ? fixedSize(ids, -2) : 1;
  const longest = spec.maxPositions ?? Number.POSITIVE_INFINITY;
  const seqLen = fixedSeqLen ?? spec.seqLen ?? Math.min(automaticSeqLen, longest);
  agree('--seq-len', spec.seqLen, fixedSeqLen, ids);
  if (seqLen > longest) {
    throw new UserError(
      `Expected --seq-len up to ${longest}, the rows of the model's position embedding, got ${seqLen}.`,
      'bad-seq-len',
    );
  }
  if (seqLen <= specialTokens) {
    throw new UserError(
      `Expected --seq-len above ${specialTokens}, the special tokens of each block, got ${seqLen}.`,
      'bad-seq-len',
    );
  }
  agree('--batch-size', spec.batchSize, fixedBatch, ids);
  const batchSize = fixedBatch ?? spec.batchSize ?? automaticBatch(seqLen);
  return { seqLen, batchSize, fixedSeqLen: fixedSeqLen !== null, fixedBatch: fixedBatch !== null };
}

/** Returns the rows of an automatic batch. */
export function automaticBatch(seqLen: number): number {
  return Math.max(1, Math.floor(positionsPerBatch / seqLen));
}

function fixedSize(input: ModelInput, axis: number): number | null {
  const size = input.shape?.at(axis);
  return typeof size === 'number' && size > 0 ? size : null;
}

function agree(option: string, wanted: number | undefined, fixed: number | null, input: ModelInput): void {
  if (wanted === undefined || fixed === null || wanted === fixed) return;
  throw new UserError(
    `Expected ${option} ${fixed}, which the model's input "${input.name}" fixes, got ${wanted}.`,
    option === '--seq-len' ? 'bad-seq-len' : 'bad-batch-size',
  );
}
