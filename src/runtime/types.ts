import type { NdArray } from '../onnx/array.js';

export type Device = 'cpu' | 'cuda' | 'webgpu';

export interface SessionOptions {
  /** An ONNX model without its weights: they are external data in `folder`. */
  model: Uint8Array;
  /** Folder that external data locations are relative to: the original model's own folder. */
  folder: string;
  device: Device;
  /** Threads of the CPU provider, at most the machine's cores; 0 lets ONNX Runtime choose. */
  threads: number;
  /** `disabled` keeps the graph as it is written; the default is `all`. */
  optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Name of the model in messages, e.g. its file name; default `the model`. */
  name?: string;
  /** Every node must run on `device`; without it nodes that a GPU provider lacks run on the CPU. */
  exclusive?: boolean;
}

export interface RunRequest {
  /**
   * Arrays by name of the input. One that the run before was fed is not sent again, so its numbers must stay
   * as they are.
   */
  feeds: Record<string, NdArray>;
  /** Names of the outputs to bring back. */
  fetch: string[];
  /** uint8 outputs of which only the 256 counts of their values come back (float64, shape [256]). */
  count?: string[];
}

export interface TensorInfo {
  name: string;
  /** `float32`, `int64`, …; empty for what is no tensor. */
  type: string;
  /** Sizes, names of sizes, or `null`. An unknown rank cannot be told from a scalar's. */
  shape: (number | string | null)[];
}

/** A session in a process of its own: it can be killed at any moment. */
export interface Session {
  /**
   * Runs the model once. Runs wait for each other: a second call before the first has ended is queued.
   *
   * @throws RunError when the process dies or the run fails; Interrupted after the signal's abort.
   */
  run(request: RunRequest): Promise<Record<string, NdArray>>;
  /** Ends the process; safe to call twice and at any time. */
  dispose(): Promise<void>;
  /** Peak resident memory of the process so far, bytes. */
  peakRssBytes(): number;
  /** ONNX Runtime's name of the execution provider, e.g. `CPUExecutionProvider`. */
  readonly provider: string;
  /** The model's outputs as ONNX Runtime inferred them. */
  readonly outputs: TensorInfo[];
  /** Process id of the child. */
  readonly pid: number;
  /** Version of ONNX Runtime, e.g. `1.30.0`. */
  readonly onnxruntime: string;
}
