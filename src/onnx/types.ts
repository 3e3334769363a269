/**
 * ONNX messages as plain objects: the part of onnx.proto that the auditor understands (field names and
 * numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, in camelCase). Every message keeps the
 * fields it does not understand in `unknown`, so that they survive a round trip.
 */

/** A field this reader has no name for: its complete wire bytes, tag included, in file order. */
export type UnknownFields = Uint8Array[];

/** Bytes `[start, end)` of a file. */
export interface Span {
  /** Absolute path of the file. */
  file: string;
  startBytes: number;
  endBytes: number;
}

export interface ModelProto {
  irVersion?: bigint;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: bigint;
  docString?: string;
  graph?: GraphProto;
  opsetImport: OperatorSetIdProto[];
  metadataProps: StringStringEntryProto[];
  functions: FunctionProto[];
  unknown: UnknownFields;
}

export interface OperatorSetIdProto {
  domain?: string;
  version?: bigint;
  unknown: UnknownFields;
}

export interface StringStringEntryProto {
  key?: string;
  value?: string;
  unknown: UnknownFields;
}

export interface GraphProto {
  node: NodeProto[];
  name?: string;
  initializer: TensorProto[];
  sparseInitializer: SparseTensorProto[];
  docString?: string;
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
  metadataProps: StringStringEntryProto[];
  unknown: UnknownFields;
}

export interface NodeProto {
  input: string[];
  output: string[];
  name?: string;
  opType?: string;
  domain?: string;
  overload?: string;
  attribute: AttributeProto[];
  docString?: string;
  metadataProps: StringStringEntryProto[];
  unknown: UnknownFields;
}

export interface FunctionProto {
  name?: string;
  domain?: string;
  overload?: string;
  input: string[];
  output: string[];
  attribute: string[];
  attributeProto: AttributeProto[];
  node: NodeProto[];
  docString?: string;
  opsetImport: OperatorSetIdProto[];
  valueInfo: ValueInfoProto[];
  metadataProps: StringStringEntryProto[];
  unknown: UnknownFields;
}

export interface AttributeProto {
  name?: string;
  refAttrName?: string;
  docString?: string;
  type?: number;
  f?: number;
  i?: bigint;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  sparseTensor?: SparseTensorProto;
  floats: number[];
  ints: bigint[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  unknown: UnknownFields;
}

/**
 * A tensor. Its numbers are in exactly one place: `raw` (raw_data, small enough to be kept, or a span of the
 * file), one of the typed fields, or external data.
 */
export interface TensorProto {
  dims: bigint[];
  dataType?: number;
  name?: string;
  docString?: string;
  /** raw_data that is in memory. For a tensor read from a file `span` is set too. */
  rawData?: Uint8Array;
  /**
   * Place of the little-endian element bytes on disk: raw_data, packed float_data or double_data of the model
   * file, or external data. The only home of large tensors: their bytes are never read to look at a model.
   */
  span?: Span;
  floatData: number[];
  int32Data: number[] | Int32Array;
  int64Data: bigint[] | BigInt64Array;
  doubleData: number[];
  uint64Data: bigint[] | BigUint64Array;
  stringData: Uint8Array[];
  externalData: StringStringEntryProto[];
  /** 0 DEFAULT, 1 EXTERNAL. */
  dataLocation?: number;
  metadataProps: StringStringEntryProto[];
  unknown: UnknownFields;
}

export interface SparseTensorProto {
  values?: TensorProto;
  indices?: TensorProto;
  dims: bigint[];
  unknown: UnknownFields;
}

export interface ValueInfoProto {
  name?: string;
  type?: TypeProto;
  docString?: string;
  metadataProps: StringStringEntryProto[];
  unknown: UnknownFields;
}

/** Only tensor types are understood; sequence, map, optional and sparse types stay in `unknown`. */
export interface TypeProto {
  tensorType?: {
    elemType?: number;
    shape?: { dim: DimensionProto[]; unknown: UnknownFields };
    unknown: UnknownFields;
  };
  denotation?: string;
  unknown: UnknownFields;
}

export interface DimensionProto {
  dimValue?: bigint;
  dimParam?: string;
  denotation?: string;
  unknown: UnknownFields;
}
