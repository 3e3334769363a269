import type { Dimension } from '../graph/types.js';
import type { NdArray } from '../onnx/array.js';

/** One input of the model as the graph declares it. */
export interface ModelInput {
  name: string;
  /** ONNX element type code. */
  elemType: number;
  shape: Dimension[] | null;
}

/** What the session is fed at once. */
export interface Batch {
  feeds: Record<string, NdArray>;
  /** Indices of the blocks in it, in the whole data set, increasing. */
  blocks: number[];
  /** Rows of the batch: text blocks, images, records; 1 for a graph. */
  sequences: number;
  /** Tokens, images, records or nodes in it that count: padding left out. */
  positions: number;
  /** 1 where a position counts, shape [batch, sequence], [batch] (images, records) or [nodes]; `null` when all do. */
  mask: NdArray | null;
  /** Class or value to predict for each row or node, where the data has one. */
  labels?: NdArray;
}

/** What a report says about the data (`data` in the report contract). */
export interface DataDescription {
  name: string;
  variant: string | null;
  split: string | null;
  tokenizer: string | null;
  seqLen: number | null;
  batchSize: number;
}

/** What must be known of tokens to ask a model for them. */
export interface TokenFacts {
  /** The model's input of token ids. */
  input: string;
  /** Id of the tokenizer's mask token; `null` when it has none. */
  mask: number | null;
  /** Ids that stand for no text: what blocks begin and end with, padding. */
  special: number[];
}

/** The graph behind a graph's batch: which nodes are neighbours. */
export interface GraphStructure {
  /** Number of neighbours of each node, float32 [nodes]; self loops and repeated edges left out. */
  degrees: NdArray;
  /** Every ordered pair of neighbours, int64 [2, pairs]; pairs of a node with itself may be among them. */
  pairs: NdArray;
  /** The model's input that is fed exactly these pairs; `null` when none is. */
  input: string | null;
}

/** Where the graph behind a batch is: with the data, or stored in the model, which is then fed features alone. */
export type DataGraph = GraphStructure | 'stored';

/** A data set cut into batches for one model; iterating twice gives the same batches. */
export interface DataSet {
  description: DataDescription;
  /** What the batches' rows are: decides what a position is. */
  kind: 'text' | 'image' | 'arrays' | 'graph' | 'random';
  /** Whether batches carry a mask: all of them do, or none. */
  masked: boolean;
  /** Every position there is, is seen: no resolution needed (a full-graph audit). */
  census: boolean;
  /** Set when the positions are the nodes of a graph: the same in all batches. */
  graph?: DataGraph;
  /** Positions that all batches together will hold, if known before running (for a long text: the budget's); for progress bars. */
  positions: number | null;
  /** For text. */
  tokens?: TokenFacts;
  /**
   * The first rows of the *whole* data set, also in a shard: they fix the histograms' range. Automatic batch size
   * whatever `batchSize` is, unless the file fixes it.
   */
  rangeBatch(): Promise<Batch>;
  /** Returns the same rows in batches of another size; absent where the size is fixed, and where rows are tokens or nodes. */
  withBatchSize?(rows: number): DataSet;
  /** Batches in order; with `after` only those whose first block is greater (a resumed run). */
  batches(after?: number): AsyncIterable<Batch>;
  /** Warnings met while opening or reading, e.g. a guessed tokenizer: read them again after the last batch. */
  warnings: { code: string; message: string }[];
}
