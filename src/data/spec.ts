import type { Feeder } from './feeds.js';
import type { GraphNeeds } from './graphs/adjacency.js';
import type { ModelInput } from './types.js';

/** What the model is, as far as data goes: it decides what `sample` and `random` mean. */
export type ModelKind = 'text' | 'image' | 'graph' | 'arrays';

/** All that {@link openData} needs to know. `undefined` means automatic. */
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
  /** Path of the .onnx file: tokenizer.json and config.json are looked for beside it. */
  modelPath: string;
  /** The inputs to fill, without those that have a default. */
  inputs: ModelInput[];
  /** Rows of the token embedding, if known. */
  vocabulary: number | null;
  /** Rows of the position embedding, if known. */
  maxPositions: number | null;
  modelKind: ModelKind;
  /** Told once when something slow begins: text for a person. */
  onStage?: ((stage: string) => void) | undefined;
  /** Told while downloading. */
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** What a graph model does not do itself with its edge weights or its adjacency; without it: everything. */
  graphNeeds?: GraphNeeds | undefined;
  /** Set when the model stores the graph it works on, and takes features alone; so many nodes, or at least so many. */
  storedGraph?: { nodes: StoredNodes | null } | undefined;
  /** Fills inputs of its own before the built-in roles are asked (plugins). */
  feeder?: Feeder | undefined;
  /** Stops a download. */
  signal?: AbortSignal | undefined;
}

/** How many nodes a graph has that a model stores. */
export interface StoredNodes {
  nodes: number;
  /** Else at least so many. */
  exact: boolean;
}

export interface DownloadProgress {
  bytes: number;
  totalBytes: number;
}

/** The blocks i ≡ index mod count. */
export interface Shard {
  index: number;
  count: number;
}

/** Something odd that does not stop the run. */
export interface Warning {
  code: string;
  message: string;
}
