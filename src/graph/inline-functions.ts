import { UserError } from '../errors.js';
import { checkExpandedLetters, checkNodes, MAX_CALL_DEPTH } from '../onnx/limits.js';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
} from '../onnx/types.js';
import { nestedGraphs } from '../onnx/walk.js';
import { type Extent, extentOf, renameNodes } from './rename.js';

/**
 * Returns the model with every call of a model-local function replaced by the function's nodes
 * (FunctionProto, https://onnx.ai/onnx/repo-docs/IR.html#functions). A value `v` inside the call `n` gets the
 * name `n/v`. Without functions the model itself comes back.
 *
 * @throws UserError for functions that call each other without end, and for calls that would expand to more
 *   nodes or longer names than `limits.ts` allows: six functions that call the next ten times each make a
 *   million nodes.
 */
export function inlineFunctions(model: ModelProto): ModelProto {
  const { functions, graph } = model;
  if (functions.length === 0 || !graph) return model;
  const expansion: Expansion = {
    functions: new Map(functions.map((f) => [keyOf(f.domain, f.name, f.overload), f])),
    extents: new Map(),
    calls: 0,
    nodes: 0,
    letters: 0,
  };
  return { ...model, graph: expandGraph(graph, 0, expansion), functions: [], opsetImport: opsetsOf(model) };
}

/** State of one expansion: the functions by key, and what their calls have added so far. */
interface Expansion {
  functions: ReadonlyMap<string, FunctionProto>;
  extents: Map<FunctionProto, Extent>;
  calls: number;
  nodes: number;
  letters: number;
}

function opsetsOf({ opsetImport, functions }: ModelProto): OperatorSetIdProto[] {
  const opsets = new Map(opsetImport.map((opset) => [opset.domain ?? '', opset]));
  for (const opset of functions.flatMap((called) => called.opsetImport)) {
    if (!opsets.has(opset.domain ?? '')) opsets.set(opset.domain ?? '', opset);
  }
  return [...opsets.values()];
}

function expandGraph(graph: GraphProto, depth: number, expansion: Expansion): GraphProto {
  return { ...graph, node: expandNodes(graph.node, depth, expansion) };
}

function expandNodes(nodes: readonly NodeProto[], depth: number, expansion: Expansion): NodeProto[] {
  expansion.nodes += nodes.length;
  checkNodes(expansion.nodes);
  return nodes.flatMap((node) => {
    const called = expansion.functions.get(keyOf(node.domain, node.opType, node.overload));
    const plain = withExpandedGraphs(node, depth, expansion);
    if (!called) return plain;
    if (depth >= MAX_CALL_DEPTH) {
      throw new UserError(
        `Expected functions that end, found \`${called.name}\` nested more than ${MAX_CALL_DEPTH} calls deep.`,
        'function-recursion',
      );
    }
    const prefix = node.name || `${node.opType}_${++expansion.calls}`;
    count(called, prefix, expansion);
    return expandNodes(bodyOf(plain, called, prefix), depth + 1, expansion);
  });
}

function withExpandedGraphs(node: NodeProto, depth: number, expansion: Expansion): NodeProto {
  if (!node.attribute.some((attribute) => nestedGraphs(attribute).length > 0)) return node;
  return {
    ...node,
    attribute: node.attribute.map((attribute): AttributeProto => {
      const { g, graphs } = attribute;
      return {
        ...attribute,
        ...(g ? { g: expandGraph(g, depth, expansion) } : {}),
        graphs: graphs.map((graph) => expandGraph(graph, depth, expansion)),
      };
    }),
  };
}

/** Checks what a call adds, before it is made. */
function count(called: FunctionProto, prefix: string, expansion: Expansion): void {
  const extent = expansion.extents.get(called) ?? extentOf(called.node);
  expansion.extents.set(called, extent);
  checkNodes(expansion.nodes + extent.nodes);
  expansion.letters += extent.letters + extent.names * (prefix.length + 1);
  checkExpandedLetters(expansion.letters);
}

/** Returns the function's nodes with the values of the call, and names of their own for what is inside. */
function bodyOf(call: NodeProto, called: FunctionProto, prefix: string): NodeProto[] {
  const inputs = new Map(called.input.map((name, i) => [name, call.input[i] ?? '']));
  const outer = new Map(inputs);
  for (const [i, name] of called.output.entries()) {
    const result = call.output[i];
    if (result) outer.set(name, result);
  }
  const own = new Map(call.attribute.map((attribute) => [attribute.name ?? '', attribute]));
  const defaults = new Map(called.attributeProto.map((attribute) => [attribute.name ?? '', attribute]));
  const nodes = renameNodes(called.node, {
    value: (name) => outer.get(name) ?? `${prefix}/${name}`,
    node: (name) => `${prefix}/${name}`,
    attribute: (name) => own.get(name) ?? defaults.get(name) ?? null,
  });
  // An output that is an input of the function has no node inside that computes it.
  for (const [i, name] of called.output.entries()) {
    const [input, output] = [inputs.get(name), call.output[i]];
    if (input && output) nodes.push(identity(input, output, `${prefix}/${name}/Identity`));
  }
  return nodes;
}

function identity(input: string, output: string, name: string): NodeProto {
  return {
    name,
    opType: 'Identity',
    input: [input],
    output: [output],
    attribute: [],
    metadataProps: [],
    unknown: [],
  };
}

const keyOf = (domain = '', name = '', overload = ''): string =>
  JSON.stringify([domain === 'ai.onnx' ? '' : domain, name, overload]);
