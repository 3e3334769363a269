import type { FunctionProto, StringStringEntryProto, UnknownFields } from '../onnx/types.js';
import type { Graph } from './graph.js';

/** A model by reference: the main graph and what surrounds it in the file. */
export interface Model {
  graph: Graph;
  /** Opset version by domain; `''` is the standard one. */
  opsets: Map<string, number>;
  functions: FunctionProto[];
  irVersion: number;
  producerName: string;
  producerVersion: string;
  metadataProps: StringStringEntryProto[];
  /** domain, modelVersion, docString and unknown fields of the file, written back as they were read. */
  extras: { domain?: string; modelVersion?: bigint; docString?: string; unknown: UnknownFields };
}
