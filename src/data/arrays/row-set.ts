import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { blockBudget, inShard } from '../blocks.js';
import { prefetch } from '../prefetch.js';
import type { Shard, Warning } from '../spec.js';
import type { Batch, DataDescription, DataSet } from '../types.js';

/** Data in rows: images, records, ready-made token rows. One row is one block. */
export interface RowSource {
  rows: number;
  /** Positions of a row that is not masked. */
  positionsPerRow: number;
  /** Returns the model's inputs for these rows. */
  feeds(rows: number[]): Record<string, NdArray>;
  /** Returns 1 where a position of these rows counts, [rows] or [rows, sequence]; absent when all do. */
  mask?: (rows: number[]) => NdArray;
  labels?: (rows: number[]) => NdArray;
}

export interface RowSetParts {
  source: RowSource;
  description: Omit<DataDescription, 'batchSize'>;
  kind: DataSet['kind'];
  /** Batch size that the file fixes, else `null`. */
  fixedBatch: number | null;
  batchSize: number | undefined;
  automaticBatch: number;
  /**
   * True if rows have one position each, or are tokens: then padding rows can be masked out. Others are
   * dropped.
   */
  maskable: boolean;
  tokens: number | 'all';
  shard: Shard | undefined;
  warnings: Warning[];
}

/**
 * Cuts rows into batches. Of the rows that the budget pays for, a shard takes i ≡ I mod N. If the file fixes
 * the batch size, the last batch is filled up with copies of its first row, which the mask leaves out. If
 * rows hold many positions (images), a last short batch is dropped with a warning instead.
 */
export function rowSet(parts: RowSetParts): DataSet {
  const { source, fixedBatch, shard } = parts;
  const batchSize = fixedBatch ?? parts.batchSize ?? parts.automaticBatch;
  const budget = Math.min(source.rows, blockBudget(parts.tokens, source.positionsPerRow));
  const uneven = fixedBatch !== null && (shard !== undefined || budget % fixedBatch !== 0);
  const masked = (uneven && parts.maskable) || source.mask !== undefined;

  async function* batches(of: Shard | undefined, size: number, after: number): AsyncGenerator<Batch> {
    let rows: number[] = [];
    for (let row = 0; row < budget; row++) {
      if (!inShard(row, of)) continue;
      rows.push(row);
      if (rows.length < size) continue;
      if (rows[0]! > after) yield makeBatch(rows, size);
      rows = [];
    }
    if (rows.length === 0 || rows[0]! <= after) return;
    if (fixedBatch === null || parts.maskable) yield makeBatch(rows, size);
    else dropped(parts.warnings, rows.length, size);
  }

  function makeBatch(rows: number[], size: number): Batch {
    const fed = fixedBatch === null ? rows : rows.concat(new Array(size - rows.length).fill(rows[0]));
    const mask = masked ? countedRows(source, fed, rows.length) : null;
    const positions =
      source.mask !== undefined
        ? (mask!.data as Uint8Array).reduce((sum, one) => sum + one, 0)
        : rows.length * source.positionsPerRow;
    const labels = source.labels === undefined ? {} : { labels: source.labels(fed) };
    return { feeds: source.feeds(fed), blocks: rows, sequences: rows.length, positions, mask, ...labels };
  }

  return {
    description: { ...parts.description, batchSize },
    kind: parts.kind,
    masked,
    census: false,
    positions: countPositions(parts, budget),
    warnings: parts.warnings,
    async rangeBatch() {
      const size = fixedBatch ?? Math.min(budget, parts.automaticBatch, parts.batchSize ?? Infinity);
      for await (const batch of batches(undefined, size, -1)) return batch;
      throw new UserError(
        `Expected at least ${size} rows, the batch the model fixes, found ${budget}.`,
        'data-too-short',
      );
    },
    ...(fixedBatch === null && { withBatchSize: (rows: number) => rowSet({ ...parts, batchSize: rows }) }),
    batches: (after = -1) => prefetch(batches(shard, batchSize, after), 2),
  };
}

/** Returns the source's mask without the rows beyond `count`, [rows] or [rows, sequence]. */
function countedRows(source: RowSource, rows: number[], count: number): NdArray {
  const dims = source.positionsPerRow > 1 ? [rows.length, source.positionsPerRow] : [rows.length];
  const mask: NdArray = source.mask?.(rows) ?? {
    type: 'bool',
    dims,
    data: new Uint8Array(rows.length * source.positionsPerRow).fill(1),
  };
  const data = Uint8Array.from(mask.data as Uint8Array);
  data.fill(0, (data.length / rows.length) * count);
  return { ...mask, data };
}

function countPositions({ source, shard, fixedBatch, maskable }: RowSetParts, budget: number): number {
  let rows = Array.from({ length: budget }, (_, row) => row).filter((row) => inShard(row, shard));
  if (fixedBatch !== null && !maskable) rows = rows.slice(0, rows.length - (rows.length % fixedBatch));
  if (source.mask === undefined) return rows.length * source.positionsPerRow;
  return (source.mask(rows).data as Uint8Array).reduce((sum, one) => sum + one, 0);
}

function dropped(warnings: Warning[], rows: number, batch: number): void {
  if (warnings.some((warning) => warning.code === 'last-batch-dropped')) return;
  warnings.push({
    code: 'last-batch-dropped',
    message: `The last ${rows} rows were left out: the model fixes batches of ${batch}.`,
  });
}
