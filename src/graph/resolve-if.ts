import type { GraphProto, ModelProto, NodeProto } from '../onnx/types.js';
import { constantScalar } from './constants.js';
import { fromOnnx } from './from-onnx.js';
import { renameNodes } from './rename.js';

/** Inputs that say whether a decoder reads its cache; an audit feeds whole sequences and says no. */
const CACHE_SWITCH = /^use_cache_branch$/;

/** Ifs in the branches that are taken are resolved in a further round. */
const MAX_ROUNDS = 32;

/**
 * The model with every `If` of the main graph whose condition is a constant, or the cache switch of a merged decoder,
 * replaced by the branch that is taken. Values keep their names unless these are taken already. Without such an If the
 * model itself comes back.
 */
export function resolveIf(model: ModelProto): ModelProto {
  let at = model;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { graph } = at;
    if (!graph?.node.some(isIf)) return at;
    const taken = branchesTaken(at);
    if (taken.size === 0) return at;
    at = { ...at, graph: splice(graph, taken) };
  }
  return at;
}

const isIf = (node: NodeProto): boolean => node.opType === 'If' && (node.domain ?? '') === '';

/** The branch of each decided If, by the If's first output. */
function branchesTaken(model: ModelProto): Map<string, GraphProto> {
  const taken = new Map<string, GraphProto>();
  for (const node of fromOnnx(model).graph.nodes) {
    const condition = node.is('If') ? node.input : null;
    if (!condition) continue;
    const constant = constantScalar(condition);
    const isSwitch = CACHE_SWITCH.test(condition.name) && condition.isInput;
    const value = constant !== null ? constant !== 0 : isSwitch ? false : null;
    if (value === null) continue;
    const branch = node.attributes.get(value ? 'then_branch' : 'else_branch')?.proto.g;
    if (branch) taken.set(node.output.name, branch);
  }
  return taken;
}

function splice(graph: GraphProto, taken: Map<string, GraphProto>): GraphProto {
  const names = new Set([
    ...graph.input.map(({ name }) => name ?? ''),
    ...graph.initializer.map(({ name }) => name ?? ''),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  const initializer = [...graph.initializer];
  const valueInfo = [...graph.valueInfo];
  const node = graph.node.flatMap((owner) => {
    const branch = isIf(owner) ? taken.get(owner.output[0] ?? '') : undefined;
    if (!branch) return [owner];
    const renamed = renamingOf(owner, branch, names);
    const value = (name: string): string => renamed.get(name) ?? name;
    for (const tensor of branch.initializer) initializer.push({ ...tensor, name: value(tensor.name ?? '') });
    for (const info of branch.valueInfo) valueInfo.push({ ...info, name: value(info.name ?? '') });
    const nodes = renameNodes(branch.node, { value, node: (name) => name });
    return [...nodes, ...passedThrough(owner, branch, value)];
  });
  return { ...graph, node, initializer, valueInfo };
}

/** New names of what the branch defines: its outputs get the If's, the others give way to names that are taken. */
function renamingOf(owner: NodeProto, branch: GraphProto, names: Set<string>): Map<string, string> {
  const renamed = new Map<string, string>();
  const computed = new Set(branch.node.flatMap(({ output }) => output));
  for (const [i, { name = '' }] of branch.output.entries()) {
    const result = owner.output[i];
    if (result && computed.has(name) && !renamed.has(name)) renamed.set(name, result);
  }
  for (const name of [...branch.initializer.map((tensor) => tensor.name ?? ''), ...computed]) {
    if (renamed.has(name) || name === '') continue;
    let free = name;
    while (names.has(free)) free = `${owner.name || owner.output[0]}/${free}`;
    names.add(free);
    if (free !== name) renamed.set(name, free);
  }
  return renamed;
}

/** Branch outputs that no node of the branch computes under the If's own name. */
function passedThrough(owner: NodeProto, branch: GraphProto, value: (name: string) => string): NodeProto[] {
  return branch.output.flatMap(({ name = '' }, i) => {
    const result = owner.output[i];
    if (!result || value(name) === result) return [];
    return [
      {
        name: `${owner.name || 'If'}/Identity_${i}`,
        opType: 'Identity',
        input: [value(name)],
        output: [result],
        attribute: [],
        metadataProps: [],
        unknown: [],
      },
    ];
  });
}
