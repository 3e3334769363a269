import type { AttributeProto, GraphProto, NodeProto } from '../onnx/types.js';

/** What `renameNodes` puts in place of names and attribute references. */
export interface Renaming {
  /** New name of a value; names of optional inputs and outputs that are left out stay `''`. */
  value(name: string): string;
  /** New name of a node. */
  node(name: string): string;
  /** The attribute of the call that `ref_attr_name` stands for; `null` when the call does not give it. */
  attribute?(name: string): AttributeProto | null;
}

/** Copies of nodes with other names, nested graphs included; the originals are not touched. */
export function renameNodes(nodes: NodeProto[], renaming: Renaming): NodeProto[] {
  const value = (name: string): string => (name === '' ? '' : renaming.value(name));
  return nodes.map((node) => ({
    ...node,
    ...(node.name ? { name: renaming.node(node.name) } : {}),
    input: node.input.map(value),
    output: node.output.map(value),
    attribute: node.attribute.flatMap((attribute) => renameAttribute(attribute, renaming)),
  }));
}

function renameAttribute(attribute: AttributeProto, renaming: Renaming): AttributeProto[] {
  if (attribute.refAttrName) {
    const given = renaming.attribute?.(attribute.refAttrName);
    const { name } = attribute;
    return given ? [{ ...given, ...(name === undefined ? {} : { name }) }] : [];
  }
  const { g, graphs } = attribute;
  if (!g && graphs.length === 0) return [attribute];
  return [
    {
      ...attribute,
      ...(g ? { g: renameGraph(g, renaming) } : {}),
      graphs: graphs.map((graph) => renameGraph(graph, renaming)),
    },
  ];
}

function renameGraph(graph: GraphProto, renaming: Renaming): GraphProto {
  const named = <T extends { name?: string }>(item: T): T =>
    item.name ? { ...item, name: renaming.value(item.name) } : item;
  return {
    ...graph,
    node: renameNodes(graph.node, renaming),
    initializer: graph.initializer.map(named),
    input: graph.input.map(named),
    output: graph.output.map(named),
    valueInfo: graph.valueInfo.map(named),
  };
}
