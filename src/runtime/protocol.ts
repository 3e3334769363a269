import type { NdArray } from '../onnx/array.js';
import type { RunRequest, Session, SessionOptions } from './types.js';

/** What the parent asks of the session's process; one answer comes back for each, in order. */
export type Question =
  | { kind: 'open'; options: SessionOptions }
  /** `again` are inputs whose arrays are those of the run before: they are not sent a second time. */
  | { kind: 'run'; request: RunRequest; again: string[] };

export interface Asked {
  id: number;
  question: Question;
}

/** `error` is ONNX Runtime's own text. */
export type Answer = { id: number; peakRssBytes: number } & (
  | { opened: Opened }
  | { result: Record<string, NdArray> }
  | { error: string }
);

export type Opened = Pick<Session, 'outputs' | 'onnxruntime'>;
