import { intAttribute } from '../graph/attributes.js';
import type { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import { cumulativeSums, larger, range } from '../graph/spelling.js';
import { DataType } from '../onnx/data-types.js';

/** A mask of positions, prepared once for the tensors of all sites. */
export interface PositionMask {
  /** Sums of the first 0, 1, … entries of the mask, int64 [positions + 1]. */
  sums: Value;
  /** Number of positions, int64 scalar. */
  positions: Value;
}

/** Prepares a mask, bool [positions]. */
export function positionMask(b: Builder, mask: Value): PositionMask {
  const sums = cumulativeSums(b, b.cast(mask, DataType.INT64));
  return {
    sums: b.op('Concat', [b.ints([0]), sums], { axis: intAttribute(0) }),
    positions: b.sizeOf(mask, 0),
  };
}

/**
 * Says which rows of a tensor count, bool [rows, 1].
 *
 * Most tensors have a row for every position of the mask. A pooled tensor has fewer: its row stands for a run
 * of positions, and counts if one of them does. A convolution may have more: each of its rows belongs to one
 * position. Both are one rule: row r counts if a position in [⌊r·P/R⌋, ⌈(r + 1)·P/R⌉) does, with P positions
 * and R rows.
 *
 * @param name Name of the number of rows.
 */
export function rowMask(b: Builder, { sums, positions }: PositionMask, rows: Value, name: string): Value {
  const count = b.sizeOf(rows, 0);
  const scaled = b.op('Mul', [range(b, b.int(0), count), positions]);
  const roundUp = b.op('Add', [positions, b.op('Sub', [count, b.int(1)])]);
  // ONNX Runtime refuses to divide by zero, even if there is nothing to divide.
  const divisor = larger(b, count, b.int(1));
  const limits = [scaled, b.op('Add', [scaled, roundUp])].map((limit) => b.op('Div', [limit, divisor]));
  const [before, upTo] = limits.map((limit) => b.op('Gather', [sums, limit]));
  const counted = b.cast(b.op('Sub', [upTo!, before!]), DataType.BOOL);
  counted.type = { elemType: DataType.BOOL, shape: [name] };
  return b.unsqueeze(counted, 1);
}

/** Returns the number of rows that {@link rowMask} lets count. */
export function countedRows(mask: ArrayLike<number>, rows: number): number {
  let counted = 0;
  for (let row = 0; row < rows; row++) {
    const end = Math.ceil(((row + 1) * mask.length) / rows);
    for (let position = Math.floor((row * mask.length) / rows); position < end; position++) {
      if (!mask[position]) continue;
      counted++;
      break;
    }
  }
  return counted;
}
