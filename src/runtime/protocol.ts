import type { NdArray } from '../onnx/array.js';
import type { RunRequest, Session, SessionOptions } from './types.js';

/** A request to the session's process; one answer comes back for each, in order. */
export type Request =
  | { kind: 'open'; options: SessionOptions }
  /** `unchanged` names inputs whose arrays are those of the run before: they are not sent a second time. */
  | { kind: 'run'; request: RunRequest; unchanged: string[] };

/** A request with the number that its answer carries. */
export interface NumberedRequest {
  id: number;
  request: Request;
}

/** `error` is ONNX Runtime's own text. */
export type Answer = { id: number; peakRssBytes: number } & (
  | { opened: OpenedSession }
  | { result: Record<string, NdArray> }
  | { error: string }
);

export type OpenedSession = Pick<Session, 'outputs' | 'onnxruntime'>;
