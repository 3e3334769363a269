import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  Span,
  SparseTensorProto,
  TensorProto,
  ValueInfoProto,
} from '../onnx/types.js';
import type { Attribute, Graph, Node, Value } from './graph.js';
import type { Model } from './model.js';
import { topologicalOrder } from './order.js';
import { readType, sameType, writeType } from './types.js';

/** AttributeProto.AttributeType of a single nested graph. */
const GRAPH = 5;

/**
 * The external data location by which the written model refers to a span; `null` to write its bytes inline.
 */
export type Externalise = (span: Span) => { location: string } | null;

export interface ToOnnxOptions {
  /**
   * Called for every initializer whose bytes are only on disk, and for every such `Constant` node, which is
   * written as an initializer then (ONNX Runtime reads no external data in attributes). Without it tensors
   * are written as they were read: external data stays external, spans of the model file go inline when the
   * model is encoded.
   */
  externalise?: Externalise;
}

/**
 * Writes a model back: nodes in topological order, otherwise as they stand; bytes in memory before bytes on
 * disk. Neither the model nor its tensors are changed.
 *
 * @throws UserError when nodes wait for each other.
 */
export function toOnnx(model: Model, { externalise }: ToOnnxOptions = {}): ModelProto {
  const { domain, modelVersion, docString, unknown } = model.extras;
  return {
    irVersion: BigInt(model.irVersion),
    ...(model.producerName === '' ? {} : { producerName: model.producerName }),
    ...(model.producerVersion === '' ? {} : { producerVersion: model.producerVersion }),
    ...(domain === undefined ? {} : { domain }),
    ...(modelVersion === undefined ? {} : { modelVersion }),
    ...(docString === undefined ? {} : { docString }),
    graph: writeGraph(model.graph, externalise),
    opsetImport: [...model.opsets].map(([key, version]) => ({
      ...(key === '' ? {} : { domain: key }),
      version: BigInt(version),
      unknown: [],
    })),
    metadataProps: model.metadataProps,
    functions: model.functions.map(inlineFunction),
    unknown,
  };
}

function writeGraph(graph: Graph, externalise?: Externalise): GraphProto {
  const node: NodeProto[] = [];
  const initializer = graph.initializers.map((value) => writeTensor(value.tensor!, value.name, externalise));
  const surface = new Set([...graph.inputs, ...graph.outputs]);
  const declared: ValueInfoProto[] = [];
  const declare = (value: Value | null): void => {
    if (value && !surface.has(value) && (value.info || value.type?.elemType)) {
      declared.push(writeInfo(value));
    }
  };
  for (const value of graph.initializers) if (value.info) declare(value);
  for (const one of topologicalOrder(graph)) {
    const lifted = externalise && largeConstant(one);
    if (lifted) initializer.push(writeTensor(lifted, one.output.name, externalise));
    else node.push(writeNode(one, externalise));
    for (const output of one.outputs) declare(output);
  }
  const { docString, metadataProps, sparseInitializer, unknown } = graph.extras;
  return {
    node,
    name: graph.name,
    initializer,
    sparseInitializer: sparseInitializer.map(inlineSparse),
    ...(docString === undefined ? {} : { docString }),
    input: graph.inputs.map(writeInfo),
    output: graph.outputs.map(writeInfo),
    valueInfo: declared,
    metadataProps,
    unknown,
  };
}

/** The declaration as it was read, or a new one when name or type have changed since. */
function writeInfo({ name, type, info }: Value): ValueInfoProto {
  const base = info ?? { metadataProps: [], unknown: [] };
  const known = readType(info?.type);
  if (type === null || sameType(known, type)) return { ...base, name };
  return { ...base, name, type: writeType(type) };
}

/** The tensor of a `Constant` node whose bytes are only on disk. */
function largeConstant(node: Node): TensorProto | null {
  if (!node.is('Constant')) return null;
  const tensor = node.tensor('value');
  return tensor && onDisk(tensor) ? tensor : null;
}

function onDisk(tensor: TensorProto): boolean {
  return (
    tensor.span !== undefined &&
    !tensor.rawData &&
    tensor.floatData.length === 0 &&
    tensor.doubleData.length === 0
  );
}

function writeTensor(tensor: TensorProto, name: string, externalise?: Externalise): TensorProto {
  const named = tensor.name === name ? tensor : { ...tensor, name };
  if (!onDisk(named)) return inline(named);
  if (!externalise) return named;
  const span = named.span!;
  const place = externalise(span);
  if (!place) return inline(named);
  const entries = {
    location: place.location,
    offset: String(span.startBytes),
    length: String(span.endBytes - span.startBytes),
  };
  const externalData = Object.entries(entries).map(([key, value]) => ({ key, value, unknown: [] }));
  return { ...named, externalData, dataLocation: 1 };
}

/** Without external data entries, if its bytes are known: in memory, or read from the span on encoding. */
function inline(tensor: TensorProto): TensorProto {
  if (tensor.dataLocation !== 1 || !(tensor.rawData || tensor.span)) return tensor;
  const { dataLocation: _, ...rest } = tensor;
  return { ...rest, externalData: [] };
}

function writeNode(node: Node, externalise?: Externalise): NodeProto {
  const { overload, docString, metadataProps, unknown } = node.extras;
  return {
    input: node.inputs.map((value) => value?.name ?? ''),
    output: node.outputs.map((value) => value?.name ?? ''),
    ...(node.name === '' ? {} : { name: node.name }),
    opType: node.opType,
    ...(node.domain === '' ? {} : { domain: node.domain }),
    ...(overload === undefined ? {} : { overload }),
    attribute: [...node.attributes].map(([name, attribute]) => writeAttribute(name, attribute, externalise)),
    ...(docString === undefined ? {} : { docString }),
    metadataProps,
    unknown,
  };
}

function writeAttribute(
  name: string,
  { proto, graphs }: Attribute,
  externalise?: Externalise,
): AttributeProto {
  const { g, graphs: _, ...rest } = proto;
  // An attribute's tensors are never external when they are written: their bytes come from memory or the
  // span.
  const written: AttributeProto = { ...rest, name, tensors: rest.tensors.map(inline), graphs: [] };
  if (rest.t) written.t = inline(rest.t);
  if (rest.sparseTensor) written.sparseTensor = inlineSparse(rest.sparseTensor);
  if (graphs.length === 0) return written;
  const protos = graphs.map((graph) => writeGraph(graph, externalise));
  if (g || rest.type === GRAPH) written.g = protos.shift()!;
  written.graphs = protos;
  return written;
}

/** ONNX Runtime reads no external data in sparse tensors and functions. */
function inlineSparse(sparse: SparseTensorProto): SparseTensorProto {
  const { values, indices } = sparse;
  return {
    ...sparse,
    ...(values ? { values: inline(values) } : {}),
    ...(indices ? { indices: inline(indices) } : {}),
  };
}

function inlineFunction(proto: FunctionProto): FunctionProto {
  const node = proto.node.map((one) => {
    const attribute = one.attribute.map((a) => (a.t ? { ...a, t: inline(a.t) } : a));
    return { ...one, attribute };
  });
  return { ...proto, node };
}
