import type { Feeder } from './feeds.js';
import type { GraphNeeds } from './graphs/adjacency.js';
import type { ModelInput } from './types.js';

/** Kind of data that the model takes: it decides what `sample` and `random` mean. */
export type ModelKind = 'text' | 'image' | 'graph' | 'arrays';

/** Everything that {@link openData} needs to know. `undefined` means automatic. */
export interface DataSpec {
  /** A known name (`sample`, `wikitext`, …) or a path. */
  data: string;
  split?: string | undefined;
  /** Folder with a tokenizer.json, the file itself, or a hub id (`org/name`, `org/name@revision`). */
  tokenizer?: string | undefined;
  /** Budget in positions. */
  tokens: number | 'all';
  seqLen?: number | undefined;
  batchSize?: number | undefined;
  shard?: Shard | undefined;
  /** Path of the .onnx file. A tokenizer.json and a config.json are looked for beside it. */
  modelPath: string;
  /** The inputs to fill, without those that have a default. */
  inputs: ModelInput[];
  /** Rows of the token embedding, if known. */
  vocabulary: number | null;
  /** Rows of the position embedding, if known. */
  maxPositions: number | null;
  modelKind: ModelKind;
  /** Called when something slow begins, with a line for a person. */
  onStage?: ((stage: string) => void) | undefined;
  /** Called while downloading. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Steps on edge weights or an adjacency that the graph model does not do itself. Default: all steps. */
  graphNeeds?: GraphNeeds | undefined;
  /** Present if the model stores the graph it works on, and takes features alone. */
  storedGraph?: { nodes: StoredNodes | null } | undefined;
  /** Fills inputs before the built-in roles do (plugins). */
  feeder?: Feeder | undefined;
  /** Stops a download. */
  signal?: AbortSignal | undefined;
}

/** Number of nodes of a graph that a model stores. */
export interface StoredNodes {
  nodes: number;
  /** False if the graph has at least so many nodes. */
  exact: boolean;
}

export interface DownloadProgress {
  bytes: number;
  totalBytes: number;
}

/** Part of the data: the blocks i ≡ index mod count. */
export interface Shard {
  index: number;
  count: number;
}

/** Something odd that does not stop the run. */
export interface Warning {
  code: string;
  message: string;
}
