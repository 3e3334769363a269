/**
 * Field tables of the ONNX messages: numbers, names and types of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (read at onnx 1.23). Fields that are not listed
 * (training_info, quantization_annotation, type_protos, segment, …) are unknown fields: kept as bytes,
 * written back.
 */
export type Scalar = 'int64' | 'uint64' | 'int32' | 'float' | 'double' | 'string' | 'bytes';

export interface Field {
  number: number;
  /** Name in types.ts. */
  name: string;
  /** Name in onnx.proto, for messages to people. */
  protoName: string;
  scalar: Scalar | null;
  /** Set when the field is a message. */
  message: Message | null;
  repeated: boolean;
  /** Written as one length-delimited run; both forms are read. */
  packed: boolean;
}

export interface Message {
  name: string;
  /** By ascending number, the order in which they are written. */
  fields: Field[];
  byNumber: Map<number, Field>;
}

type FieldSpec = [number, string, Scalar | Message | (() => Message), ('repeated' | 'packed')?];

const pending: (() => void)[] = [];

function message(name: string, specs: FieldSpec[]): Message {
  const self: Message = { name, fields: [], byNumber: new Map() };
  // Messages refer to each other (a node holds attributes that hold graphs), so tables are filled at the end.
  pending.push(() => {
    for (const [number, fieldName, type, label] of specs.sort((a, b) => a[0] - b[0])) {
      const field: Field = {
        number,
        name: fieldName,
        protoName: fieldName.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        scalar: typeof type === 'string' ? type : null,
        message: typeof type === 'string' ? null : typeof type === 'function' ? type() : type,
        repeated: label !== undefined,
        packed: label === 'packed',
      };
      self.fields.push(field);
      self.byNumber.set(number, field);
    }
  });
  return self;
}

const StringStringEntry = message('StringStringEntryProto', [
  [1, 'key', 'string'],
  [2, 'value', 'string'],
]);

const OperatorSetId = message('OperatorSetIdProto', [
  [1, 'domain', 'string'],
  [2, 'version', 'int64'],
]);

const Dimension = message('Dimension', [
  [1, 'dimValue', 'int64'],
  [2, 'dimParam', 'string'],
  [3, 'denotation', 'string'],
]);

const TensorShape = message('TensorShapeProto', [[1, 'dim', Dimension, 'repeated']]);

const TensorType = message('TypeProto.Tensor', [
  [1, 'elemType', 'int32'],
  [2, 'shape', TensorShape],
]);

const Type = message('TypeProto', [
  [1, 'tensorType', TensorType],
  [6, 'denotation', 'string'],
]);

const ValueInfo = message('ValueInfoProto', [
  [1, 'name', 'string'],
  [2, 'type', Type],
  [3, 'docString', 'string'],
  [4, 'metadataProps', StringStringEntry, 'repeated'],
]);

export const Tensor = message('TensorProto', [
  [1, 'dims', 'int64', 'repeated'],
  [2, 'dataType', 'int32'],
  [4, 'floatData', 'float', 'packed'],
  [5, 'int32Data', 'int32', 'packed'],
  [6, 'stringData', 'bytes', 'repeated'],
  [7, 'int64Data', 'int64', 'packed'],
  [8, 'name', 'string'],
  [9, 'rawData', 'bytes'],
  [10, 'doubleData', 'double', 'packed'],
  [11, 'uint64Data', 'uint64', 'packed'],
  [12, 'docString', 'string'],
  [13, 'externalData', StringStringEntry, 'repeated'],
  [14, 'dataLocation', 'int32'],
  [16, 'metadataProps', StringStringEntry, 'repeated'],
]);

const SparseTensor = message('SparseTensorProto', [
  [1, 'values', Tensor],
  [2, 'indices', Tensor],
  [3, 'dims', 'int64', 'repeated'],
]);

const Attribute = message('AttributeProto', [
  [1, 'name', 'string'],
  [2, 'f', 'float'],
  [3, 'i', 'int64'],
  [4, 's', 'bytes'],
  [5, 't', Tensor],
  [6, 'g', () => Graph],
  [7, 'floats', 'float', 'repeated'],
  [8, 'ints', 'int64', 'repeated'],
  [9, 'strings', 'bytes', 'repeated'],
  [10, 'tensors', Tensor, 'repeated'],
  [11, 'graphs', () => Graph, 'repeated'],
  [13, 'docString', 'string'],
  [20, 'type', 'int32'],
  [21, 'refAttrName', 'string'],
  [22, 'sparseTensor', SparseTensor],
]);

const Node = message('NodeProto', [
  [1, 'input', 'string', 'repeated'],
  [2, 'output', 'string', 'repeated'],
  [3, 'name', 'string'],
  [4, 'opType', 'string'],
  [5, 'attribute', Attribute, 'repeated'],
  [6, 'docString', 'string'],
  [7, 'domain', 'string'],
  [8, 'overload', 'string'],
  [9, 'metadataProps', StringStringEntry, 'repeated'],
]);

const Graph: Message = message('GraphProto', [
  [1, 'node', Node, 'repeated'],
  [2, 'name', 'string'],
  [5, 'initializer', Tensor, 'repeated'],
  [10, 'docString', 'string'],
  [11, 'input', ValueInfo, 'repeated'],
  [12, 'output', ValueInfo, 'repeated'],
  [13, 'valueInfo', ValueInfo, 'repeated'],
  [15, 'sparseInitializer', SparseTensor, 'repeated'],
  [16, 'metadataProps', StringStringEntry, 'repeated'],
]);

const FunctionMessage = message('FunctionProto', [
  [1, 'name', 'string'],
  [4, 'input', 'string', 'repeated'],
  [5, 'output', 'string', 'repeated'],
  [6, 'attribute', 'string', 'repeated'],
  [7, 'node', Node, 'repeated'],
  [8, 'docString', 'string'],
  [9, 'opsetImport', OperatorSetId, 'repeated'],
  [10, 'domain', 'string'],
  [11, 'attributeProto', Attribute, 'repeated'],
  [12, 'valueInfo', ValueInfo, 'repeated'],
  [13, 'overload', 'string'],
  [14, 'metadataProps', StringStringEntry, 'repeated'],
]);

export const Model = message('ModelProto', [
  [1, 'irVersion', 'int64'],
  [2, 'producerName', 'string'],
  [3, 'producerVersion', 'string'],
  [4, 'domain', 'string'],
  [5, 'modelVersion', 'int64'],
  [6, 'docString', 'string'],
  [7, 'graph', Graph],
  [8, 'opsetImport', OperatorSetId, 'repeated'],
  [14, 'metadataProps', StringStringEntry, 'repeated'],
  [25, 'functions', FunctionMessage, 'repeated'],
]);

for (const fill of pending) fill();
