import { UserError } from '../errors.js';
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from '../onnx/types.js';
import { renameNodes } from './rename.js';

/** Calls nest at most this deep; a function that calls itself, straight or round about, never ends. */
const MAX_DEPTH = 32;

/**
 * The model with every call of a model-local function replaced by the function's nodes (FunctionProto,
 * https://onnx.ai/onnx/repo-docs/IR.html#functions). A value `v` inside the call `n` gets the name `n/v`. Without
 * functions the model itself comes back.
 *
 * @throws UserError for functions that call each other without end.
 */
export function inlineFunctions(model: ModelProto): ModelProto {
  if (model.functions.length === 0 || !model.graph) return model;
  const functions = new Map(model.functions.map((f) => [key(f.domain, f.name, f.overload), f]));
  const opsets = new Map(model.opsetImport.map((opset) => [opset.domain ?? '', opset]));
  for (const { opsetImport } of model.functions) {
    for (const opset of opsetImport)
      if (!opsets.has(opset.domain ?? '')) opsets.set(opset.domain ?? '', opset);
  }
  let calls = 0;
  const expand = (nodes: NodeProto[], depth: number): NodeProto[] =>
    nodes.flatMap((node) => {
      const called = functions.get(key(node.domain, node.opType, node.overload));
      const plain = { ...node, attribute: node.attribute.map((attribute) => expandNested(attribute, depth)) };
      if (!called) return [plain];
      if (depth > MAX_DEPTH) {
        throw new UserError(
          `Function \`${called.name}\` is nested more than ${MAX_DEPTH} calls deep: expected functions that end.`,
          'function-recursion',
        );
      }
      calls++;
      return expand(body(plain, called, node.name || `${node.opType}_${calls}`), depth + 1);
    });
  const expandNested = (attribute: AttributeProto, depth: number): AttributeProto =>
    attribute.g || attribute.graphs.length > 0
      ? {
          ...attribute,
          ...(attribute.g ? { g: expandGraph(attribute.g, depth) } : {}),
          graphs: attribute.graphs.map((graph) => expandGraph(graph, depth)),
        }
      : attribute;
  const expandGraph = (graph: GraphProto, depth: number): GraphProto => ({
    ...graph,
    node: expand(graph.node, depth),
  });
  return { ...model, graph: expandGraph(model.graph, 0), functions: [], opsetImport: [...opsets.values()] };
}

/** The function's nodes with the call's values, and names of their own for what is inside. */
function body(call: NodeProto, called: FunctionProto, prefix: string): NodeProto[] {
  const outer = new Map<string, string>();
  for (const [i, name] of called.input.entries()) outer.set(name, call.input[i] ?? '');
  for (const [i, name] of called.output.entries()) {
    const given = call.output[i];
    if (given) outer.set(name, given);
  }
  const given = new Map(call.attribute.map((attribute) => [attribute.name ?? '', attribute]));
  const defaults = new Map(called.attributeProto.map((attribute) => [attribute.name ?? '', attribute]));
  const nodes = renameNodes(called.node, {
    value: (name) => outer.get(name) ?? `${prefix}/${name}`,
    node: (name) => `${prefix}/${name}`,
    attribute: (name) => given.get(name) ?? defaults.get(name) ?? null,
  });
  // An output that is an input of the function has no node inside that computes it.
  const passed = called.output.filter((name) => called.input.includes(name));
  return passed.length === 0
    ? nodes
    : [...nodes, ...passed.map((name) => identity(call, called, name, prefix))];
}

function identity(call: NodeProto, called: FunctionProto, name: string, prefix: string): NodeProto {
  const input = call.input[called.input.indexOf(name)] ?? '';
  const output = call.output[called.output.indexOf(name)] ?? '';
  return {
    name: `${prefix}/${name}/Identity`,
    opType: 'Identity',
    input: [input],
    output: [output],
    attribute: [],
    metadataProps: [],
    unknown: [],
  };
}

const key = (domain = '', name = '', overload = ''): string =>
  JSON.stringify([domain === 'ai.onnx' ? '' : domain, name, overload]);
