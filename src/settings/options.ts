import type { DownloadProgress } from '../data/spec.js';
import type { Device } from '../runtime/types.js';
import type { Criterion } from '../stats/types.js';

/** What `audit` needs to know; the command line and the configuration file both end here. Absent means default. */
export interface AuditOptions {
  /** Path of the .onnx file. */
  model: string;
  name?: string;
  data?: string;
  split?: string;
  tokenizer?: string;
  /** Budget in positions; default 65,536. */
  tokens?: number | 'all';
  seqLen?: number;
  batchSize?: number;
  /** Only the blocks i ≡ index mod count. */
  shard?: { index: number; count: number };
  untilStable?: number;
  resume?: string;
  /** Site names or site ids with `*`. */
  sites?: string[];
  layers?: number[];
  /** Site id → tensor name or glob. */
  map?: Record<string, string>;
  criterion?: Partial<Criterion>;
  device?: Device | 'auto';
  threads?: number;
  checkOutputs?: boolean;
  plugins?: string[];
  hash?: boolean;
  /** Told after every batch. */
  onProgress?: (progress: Progress) => void;
  /** Told once when something slow begins, e.g. a download: text for a person. */
  onStage?: (stage: string) => void;
  /** Told while data or a tokenizer is downloaded. */
  onDownload?: (progress: DownloadProgress) => void;
  /** Ends the run early; the report says `data.complete: false`. */
  signal?: AbortSignal;
}

export interface Progress {
  positions: number;
  /** Positions the whole run will see; `null` when unknown. */
  total: number | null;
  elapsedSeconds: number;
}

export type { DownloadProgress };
