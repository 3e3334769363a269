import { MAX_IF_NODES } from '../onnx/limits.js';
import type { GraphProto, ModelProto, NodeProto } from '../onnx/types.js';
import { allNodeProtos } from '../onnx/walk.js';
import { constantScalar } from './constants.js';
import { fromOnnx } from './from-onnx.js';
import { Names } from './names.js';
import { renameNodes } from './rename.js';

/** Inputs that say whether a decoder reads its cache; an audit feeds whole sequences and says no. */
const CACHE_SWITCH = /^use_cache_branch$/;

/** Ifs in the branches that are taken are resolved in a further round. */
const MAX_ROUNDS = 32;

/**
 * Returns the model with every `If` of the main graph whose condition is a constant, or the cache switch of a
 * merged decoder, replaced by the branch that is taken. Values keep their names unless these are taken
 * already. Without such an If the model itself comes back. An If stays if too much would have to be read to
 * decide it (`MAX_IF_NODES`).
 */
export function resolveIf(model: ModelProto): ModelProto {
  let resolved = model;
  let nodesRead = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { graph } = resolved;
    if (!graph?.node.some(isIf)) return resolved;
    for (const _ of allNodeProtos(graph)) nodesRead++;
    const taken = nodesRead > MAX_IF_NODES ? new Map() : branchesTaken(resolved);
    if (taken.size === 0) return resolved;
    resolved = { ...resolved, graph: splice(graph, taken) };
  }
  return resolved;
}

const isIf = (node: NodeProto): boolean => node.opType === 'If' && (node.domain ?? '') === '';

/** Returns the branch of each decided If, by the If's first output that has a name. */
function branchesTaken(model: ModelProto): Map<string, GraphProto> {
  const taken = new Map<string, GraphProto>();
  for (const node of fromOnnx(model).graph.nodes) {
    const condition = node.is('If') ? node.input : null;
    const key = node.outputs.find((output) => output !== null)?.name;
    if (!condition || key === undefined) continue;
    const constant = constantScalar(condition);
    const isSwitch = CACHE_SWITCH.test(condition.name) && condition.isInput;
    const value = constant !== null ? constant !== 0 : isSwitch ? false : null;
    if (value === null) continue;
    const branch = node.attributes.get(value ? 'then_branch' : 'else_branch')?.proto.g;
    if (branch) taken.set(key, branch);
  }
  return taken;
}

function splice(graph: GraphProto, taken: Map<string, GraphProto>): GraphProto {
  const names = new Names();
  for (const { name } of [...graph.input, ...graph.initializer]) names.take(name ?? '');
  for (const name of graph.node.flatMap(({ output }) => output)) names.take(name);
  const initializer = [...graph.initializer];
  const valueInfo = [...graph.valueInfo];
  const node = graph.node.flatMap((owner) => {
    const branch = isIf(owner) ? taken.get(owner.output.find((name) => name !== '') ?? '') : undefined;
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

/**
 * Returns new names of what the branch defines: outputs get those of the If, others give way to names that
 * are taken.
 */
function renamingOf(owner: NodeProto, branch: GraphProto, names: Names): Map<string, string> {
  const renamed = new Map<string, string>();
  const computed = new Set(branch.node.flatMap(({ output }) => output));
  for (const [i, { name = '' }] of branch.output.entries()) {
    const result = owner.output[i];
    if (result && computed.has(name) && !renamed.has(name)) renamed.set(name, result);
  }
  for (const name of [...branch.initializer.map((tensor) => tensor.name ?? ''), ...computed]) {
    if (renamed.has(name) || name === '') continue;
    const free = names.has(name)
      ? names.fresh(`${owner.name || owner.output[0]}/${name}`)
      : names.fresh(name);
    if (free !== name) renamed.set(name, free);
  }
  return renamed;
}

/** Returns a copy of each branch output that no node of the branch computes under the If's own name. */
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
