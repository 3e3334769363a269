import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from './types.js';

/** Returns the graphs nested in an attribute (of an If, Loop or Scan). */
export function nestedGraphs({ g, graphs }: AttributeProto): GraphProto[] {
  return g ? [g, ...graphs] : graphs;
}

/** Yields the nodes of a graph and of the graphs nested in it. */
export function* allNodeProtos(graph: GraphProto): Generator<NodeProto> {
  for (const node of graph.node) {
    yield node;
    for (const nested of node.attribute.flatMap(nestedGraphs)) yield* allNodeProtos(nested);
  }
}

/**
 * Yields every tensor of a model: initializers, sparse initializers, attributes (`Constant` nodes), in nested
 * graphs and functions too, in file order.
 */
export function* allTensors(model: ModelProto): Generator<TensorProto> {
  if (model.graph) yield* graphTensors(model.graph);
  for (const { node, attributeProto } of model.functions) {
    yield* nodeTensors(node);
    yield* attributeTensors(attributeProto);
  }
}

function* graphTensors(graph: GraphProto): Generator<TensorProto> {
  yield* nodeTensors(graph.node);
  yield* graph.initializer;
  for (const sparse of graph.sparseInitializer) yield* sparseTensors(sparse);
}

function* nodeTensors(nodes: NodeProto[]): Generator<TensorProto> {
  for (const node of nodes) yield* attributeTensors(node.attribute);
}

function* attributeTensors(attributes: AttributeProto[]): Generator<TensorProto> {
  for (const attribute of attributes) {
    const { t, tensors, sparseTensor } = attribute;
    if (t) yield t;
    yield* tensors;
    if (sparseTensor) yield* sparseTensors(sparseTensor);
    for (const graph of nestedGraphs(attribute)) yield* graphTensors(graph);
  }
}

function* sparseTensors({ values, indices }: SparseTensorProto): Generator<TensorProto> {
  if (values) yield values;
  if (indices) yield indices;
}
