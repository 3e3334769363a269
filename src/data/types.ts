import type { Dimension } from '../graph/types.js';
import type { NdArray } from '../onnx/array.js';

/** One input of the model, as the graph declares it. */
export interface ModelInput {
  name: string;
  /** ONNX element type code. */
  elemType: number;
  shape: Dimension[] | null;
}

/** Arrays that the session is fed at once. */
export interface Batch {
  feeds: Record<string, NdArray>;
  /** Numbers of its blocks in the whole data set, increasing. */
  blocks: number[];
  /** Rows of the batch: text blocks, images, records; 1 for a graph. */
  sequences: number;
  /** Number of tokens, images, records or nodes that count. Padding does not. */
  positions: number;
  /**
   * 1 where a position counts, shape [batch, sequence], [batch] (images, records) or [nodes]; `null` when all
   * do.
   */
  mask: NdArray | null;
  /** Class or value to predict for each row or node, where the data has one. */
  labels?: NdArray;
}

/** Facts of the data for a report (`data` in the report contract). */
export interface DataDescription {
  name: string;
  variant: string | null;
  split: string | null;
  tokenizer: string | null;
  seqLen: number | null;
  batchSize: number;
}

/** Facts of the tokens that are needed to ask a model for them. */
export interface TokenFacts {
  /** The model's input of token ids. */
  input: string;
  /** Id of the tokenizer's mask token; `null` when it has none. */
  mask: number | null;
  /** Ids that stand for no text: the special tokens around a block, and padding. */
  special: number[];
}

/** Neighbours of the nodes in a graph's batch. */
export interface GraphStructure {
  /** Number of neighbours of each node, float32 [nodes], without self loops and repeated edges. */
  degrees: NdArray;
  /** Every ordered pair of neighbours, int64 [2, pairs]; pairs of a node with itself may be among them. */
  pairs: NdArray;
  /** The model's input that is fed exactly these pairs; `null` when none is. */
  input: string | null;
}

/** Graph of a batch: from the data, or `stored` in the model, which is then fed features alone. */
export type DataGraph = GraphStructure | 'stored';

/** A data set cut into batches for one model. Iterating twice gives the same batches. */
export interface DataSet {
  description: DataDescription;
  /** Kind of the batches' rows: it decides what a position is. */
  kind: 'text' | 'image' | 'arrays' | 'graph' | 'random';
  /** True if all batches carry a mask; false if none does. */
  masked: boolean;
  /** True if every position there is will be seen (a full-graph audit): then no resolution is needed. */
  census: boolean;
  /** Present if the positions are the nodes of a graph. It is the same in all batches. */
  graph?: DataGraph;
  /**
   * Positions that all batches together will hold, for progress bars; `null` if it is not known before the
   * run.
   */
  positions: number | null;
  /** Present for text. */
  tokens?: TokenFacts;
  /**
   * Returns the first rows of the *whole* data set, also in a shard: they fix the range of the histograms.
   * There are never more rows than in a batch.
   */
  rangeBatch(): Promise<Batch>;
  /**
   * Returns the same rows in batches of another size; absent where the size is fixed, and where rows are
   * tokens or nodes.
   */
  withBatchSize?(rows: number): DataSet;
  /**
   * Gives the batches in order. With `after` (a resumed run) only those whose first block has a greater
   * number.
   */
  batches(after?: number): AsyncIterable<Batch>;
  /**
   * Warnings met while opening or reading, e.g. a guessed tokenizer. Reading may add some: look after the
   * last batch.
   */
  warnings: { code: string; message: string }[];
}
