import type { AttributeProto, GraphProto, NodeProto } from '../onnx/types.js';
import { nestedGraphs } from '../onnx/walk.js';

/** New names, and what attribute references stand for. */
export interface Renaming {
  /** Returns the new name of a value. Names of optional inputs and outputs that are left out stay `''`. */
  value(name: string): string;
  /** Returns the new name of a node. */
  node(name: string): string;
  /**
   * Returns the attribute of the call that `ref_attr_name` stands for; `null` when the call leaves it out.
   */
  attribute?(name: string): AttributeProto | null;
}

/** Size of a list of nodes, nested graphs included. */
export interface Extent {
  nodes: number;
  /** Names that `renameNodes` makes. */
  names: number;
  /** Letters of these names. */
  letters: number;
}

/** Returns copies of nodes with other names, nested graphs included. The originals stay as they are. */
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
    const referred = renaming.attribute?.(attribute.refAttrName);
    const { name } = attribute;
    return referred ? [{ ...referred, ...(name === undefined ? {} : { name }) }] : [];
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

/** Returns how much `renameNodes` makes of the nodes. */
export function extentOf(nodes: readonly NodeProto[]): Extent {
  const extent: Extent = { nodes: 0, names: 0, letters: 0 };
  addNodes(extent, nodes);
  return extent;
}

function addNodes(extent: Extent, nodes: readonly NodeProto[]): void {
  extent.nodes += nodes.length;
  for (const { name, input, output, attribute } of nodes) {
    addNames(extent, [name ?? '', ...input, ...output]);
    for (const graph of attribute.flatMap(nestedGraphs)) {
      addNodes(extent, graph.node);
      const named = [graph.initializer, graph.input, graph.output, graph.valueInfo].flat();
      addNames(
        extent,
        named.map((item) => item.name ?? ''),
      );
    }
  }
}

function addNames(extent: Extent, names: readonly string[]): void {
  extent.names += names.length;
  for (const name of names) extent.letters += name.length;
}
