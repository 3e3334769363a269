import { UserError } from '../errors.js';
import { checkNodes } from '../onnx/limits.js';
import type { GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto } from '../onnx/types.js';
import { allNodeProtos } from '../onnx/walk.js';
import { type Attribute, Graph, Node, Value } from './graph.js';
import type { Model } from './model.js';
import { Names } from './names.js';
import { topologicalOrder } from './order.js';
import type { ValueType } from './types.js';
import { declarations, type NodeExtras, readType, tensorType } from './types.js';

/** A graph's values by name, and those of the graphs around it. */
interface Scope {
  values: Map<string, Value>;
  outer: Scope | null;
}

/**
 * Connects a decoded model by reference. Nodes may stand in any order; nested graphs see the values around
 * them. Functions stay as they are; the domain `ai.onnx` is read as `''`.
 *
 * @throws UserError for a value that is defined twice or never, a cycle, or an output that no node computes.
 */
export function fromOnnx(proto: ModelProto): Model {
  if (!proto.graph) throw new UserError('The model has no graph (field 7).', 'model-no-graph');
  let nodes = 0;
  for (const _ of allNodeProtos(proto.graph)) checkNodes(++nodes);
  const names = new Names();
  const graph = new Graph(proto.graph.name ?? '', null, names, extrasOf(proto.graph));
  readGraph(graph, proto.graph, null);
  checkOrder(graph);
  return {
    graph,
    opsets: new Map(proto.opsetImport.map((o) => [standard(o.domain), Number(o.version ?? 1n)])),
    functions: proto.functions,
    irVersion: Number(proto.irVersion ?? 0n),
    producerName: proto.producerName ?? '',
    producerVersion: proto.producerVersion ?? '',
    metadataProps: proto.metadataProps,
    extras: {
      ...(proto.domain === undefined ? {} : { domain: proto.domain }),
      ...(proto.modelVersion === undefined ? {} : { modelVersion: proto.modelVersion }),
      ...(proto.docString === undefined ? {} : { docString: proto.docString }),
      unknown: proto.unknown,
    },
  };
}

function readGraph(graph: Graph, proto: GraphProto, outer: Scope | null): void {
  const scope: Scope = { values: new Map(), outer };
  const infos = declarations(proto);
  const inputs: Value[] = [];
  for (const info of proto.input) {
    const value = define(scope, graph, info.name ?? '', readType(info.type), 'an input');
    value.info = info;
    inputs.push(value);
  }
  graph.setInputs(inputs);
  for (const tensor of proto.initializer) readInitializer(graph, scope, tensor, infos);
  for (const { values, dims } of proto.sparseInitializer) {
    if (values) define(scope, graph, values.name ?? '', tensorType(values, dims), 'a sparse initializer');
  }
  const nodes = proto.node.map((node) => readNode(graph, scope, node, infos));
  for (const [i, node] of nodes.entries()) {
    for (const name of proto.node[i]!.input) node.connect(name === '' ? null : find(scope, name, node));
    for (const attribute of node.attributes.values()) readNested(node, attribute, scope);
  }
  graph.setOutputs(proto.output.map((info) => readOutput(graph, scope, info)));
}

function define(scope: Scope, graph: Graph, name: string, type: ValueType | null, what: string): Value {
  if (name === '')
    throw new UserError(`Graph \`${graph.name}\` has ${what} without a name.`, 'graph-no-name');
  if (scope.values.has(name)) {
    throw new UserError(
      `Expected every value of graph \`${graph.name}\` to be defined once, found \`${name}\` defined again by ${what}.`,
      'graph-duplicate-value',
    );
  }
  const value = new Value(name, graph, type);
  graph.names.take(name);
  scope.values.set(name, value);
  return value;
}

/** An initializer, which may also be an input: then it is that input's default. */
function readInitializer(
  graph: Graph,
  scope: Scope,
  tensor: TensorProto,
  infos: Map<string, ValueInfoProto>,
): void {
  const existing = scope.values.get(tensor.name ?? '');
  const value =
    existing && !existing.tensor
      ? existing
      : define(scope, graph, tensor.name ?? '', tensorType(tensor), 'an initializer');
  value.tensor = tensor;
  value.type ??= tensorType(tensor);
  value.info ??= infos.get(value.name) ?? null;
  graph.initializers.push(value);
}

function readNode(graph: Graph, scope: Scope, proto: NodeProto, infos: Map<string, ValueInfoProto>): Node {
  const name = proto.name ?? '';
  if (name !== '') graph.names.take(name);
  const label = name === '' ? `node of type ${proto.opType ?? '?'}` : `node \`${name}\``;
  if (!proto.opType) throw new UserError(`A ${label} has no operator (op_type).`, 'graph-no-operator');
  if (!mayLeaveOut(proto) && !proto.output[0]) {
    throw new UserError(`Expected the ${label} to have an output, found none.`, 'graph-no-output');
  }
  const attributes = new Map<string, Attribute>();
  for (const attribute of proto.attribute) {
    const key = attribute.name ?? '';
    if (attributes.has(key)) {
      throw new UserError(
        `The ${label} has two attributes \`${key}\`, expected one.`,
        'graph-duplicate-attribute',
      );
    }
    attributes.set(key, { proto: attribute, graphs: [] });
  }
  const node = new Node(graph, proto.opType, standard(proto.domain), name, attributes, nodeExtras(proto));
  for (const output of proto.output) {
    if (output === '') {
      node.define(null);
      continue;
    }
    const info = infos.get(output) ?? null;
    const value = define(scope, graph, output, readType(info?.type), `an output of the ${label}`);
    value.info = info;
    node.define(value);
  }
  graph.nodes.add(node);
  return node;
}

/**
 * Operators whose first output is optional, or one of a list of any length; of other domains nobody knows.
 */
const WITH_OPTIONAL_OUTPUT = new Set(['GRU', 'If', 'LSTM', 'Loop', 'RNN', 'Scan']);

function mayLeaveOut({ opType, domain }: NodeProto): boolean {
  return standard(domain) !== '' || WITH_OPTIONAL_OUTPUT.has(opType ?? '');
}

function find(scope: Scope, name: string, node: Node): Value {
  for (let at: Scope | null = scope; at; at = at.outer) {
    const value = at.values.get(name);
    if (value) return value;
  }
  throw new UserError(
    `${node.opType} node \`${node.name}\` reads \`${name}\`, which nothing defines: expected an input, an initializer or the output of a node.`,
    'graph-undefined-value',
  );
}

function readNested(node: Node, attribute: Attribute, scope: Scope): void {
  const { g, graphs } = attribute.proto;
  for (const proto of g ? [g, ...graphs] : graphs) {
    const nested = new Graph(proto.name ?? '', node, node.graph.names, extrasOf(proto));
    attribute.graphs.push(nested);
    readGraph(nested, proto, scope);
  }
}

function readOutput(graph: Graph, scope: Scope, info: ValueInfoProto): Value {
  const value = scope.values.get(info.name ?? '');
  if (!value) {
    throw new UserError(
      `Output \`${info.name ?? ''}\` of graph \`${graph.name}\` is defined nowhere in it.`,
      'graph-undefined-value',
    );
  }
  // An input that is an output keeps the declaration of the input.
  if (!value.isInput) {
    value.info = info;
    value.type = readType(info.type) ?? value.type;
  }
  return value;
}

/** @throws UserError when nodes wait for each other. */
function checkOrder(graph: Graph): void {
  topologicalOrder(graph);
  for (const node of graph.nodes) for (const nested of node.subgraphs) checkOrder(nested);
}

const standard = (domain: string | undefined): string => (domain === 'ai.onnx' ? '' : (domain ?? ''));

/** Most nodes have none: they share one object. */
const NO_EXTRAS: NodeExtras = { metadataProps: [], unknown: [] };

function nodeExtras({ overload, docString, metadataProps, unknown }: NodeProto): NodeExtras {
  if (overload === undefined && docString === undefined && metadataProps.length + unknown.length === 0) {
    return NO_EXTRAS;
  }
  return {
    ...(overload === undefined ? {} : { overload }),
    ...(docString === undefined ? {} : { docString }),
    metadataProps,
    unknown,
  };
}

function extrasOf(proto: GraphProto): Graph['extras'] {
  return {
    ...(proto.docString === undefined ? {} : { docString: proto.docString }),
    metadataProps: proto.metadataProps,
    sparseInitializer: proto.sparseInitializer,
    unknown: proto.unknown,
  };
}
