import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from './types.js';

/**
 * Every tensor of a model: initializers, sparse initializers, attributes (`Constant` nodes), in nested graphs and
 * functions too, in file order.
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
  for (const { t, tensors, sparseTensor, g, graphs } of attributes) {
    if (t) yield t;
    yield* tensors;
    if (sparseTensor) yield* sparseTensors(sparseTensor);
    if (g) yield* graphTensors(g);
    for (const graph of graphs) yield* graphTensors(graph);
  }
}

function* sparseTensors({ values, indices }: SparseTensorProto): Generator<TensorProto> {
  if (values) yield values;
  if (indices) yield indices;
}
