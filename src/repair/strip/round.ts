import type { BytePatch } from '../../files/patch.js';
import { constantTensor } from '../../graph/constants.js';
import type { Node } from '../../graph/graph.js';
import type { Model } from '../../graph/model.js';
import { allGraphs } from '../../graph/traversal.js';
import { bytesKey } from '../../onnx/elements.js';
import { readersOf } from '../../patterns/quantized.js';
import type { Site, WeightRef } from '../../sites/types.js';
import { type NeuronWeights, neuronWeights, readCodes } from '../neuron-weights.js';
import { asPatched, type PatchedWeights, setToZero } from '../patched-weights.js';
import { weightsToStrip } from './choose-weights.js';

export interface StripTarget {
  site: Site;
  /** Indices of its dead neurons, increasing. */
  dead: readonly number[];
}

export interface StripPassOptions {
  /** Share of a neuron's remaining incoming weights to remove. */
  fraction: number;
  /** Mean of every input of a layer, [inputs], by the name of the layer's input: prune by contribution w·E[x]. */
  means: ReadonlyMap<string, Float64Array> | null;
  /** Also weights that something else reads. */
  allowShared: boolean;
}

/** Weights set to zero for one neuron. */
export interface StripChange {
  site: string;
  neuron: number;
  role: WeightRef['role'];
  initializer: string;
  scope: string;
  /** Flat indices of the stored elements. */
  elements: number[];
  patches: BytePatch[];
}

/** Dead neurons of which no weight was removed, and why. */
export interface Unstripped {
  site: string;
  neurons: number[];
  reason: string;
}

export const NOTHING_NEGATIVE = {
  weight: 'none of its incoming weights is negative',
  contribution: 'none of its incoming weights contributes negatively on the data',
} as const;

/**
 * Synaptic stripping of dead neurons, one round (Whitaker & Whitley 2023): sets the most negative of each neuron's
 * incoming weights to zero, in `patched`, which is changed; the model is only looked at. In a gated MLP the gate's
 * weights are stripped. Reads from disk the weights of dead neurons, and whole the tensors that change.
 */
export function stripRound(
  model: Model,
  targets: readonly StripTarget[],
  patched: PatchedWeights,
  options: StripPassOptions,
): { modified: boolean; changes: StripChange[]; unstripped: Unstripped[] } {
  const uses = usesByBytes(model);
  const changes: StripChange[] = [];
  const unstripped: Unstripped[] = [];
  const done = new Set<string>();
  for (const target of targets) {
    if (target.dead.length === 0) continue;
    const { id: site } = target.site;
    const found = incomingOf(target.site, uses, options);
    if ('reason' in found) {
      unstripped.push({ site, neurons: [...target.dead], reason: found.reason });
      continue;
    }
    const dead = target.dead.filter((neuron) => deadWherever(neuron, found.weights, targets));
    const alive = target.dead.filter((neuron) => !dead.includes(neuron));
    if (alive.length > 0) {
      unstripped.push({ site, neurons: alive, reason: 'its weights are shared with a neuron that is alive' });
    }
    const fresh = dead.filter((neuron) => !done.has(`${neuron}:${keyOf(found.weights[0]!)}`));
    for (const neuron of fresh) done.add(`${neuron}:${keyOf(found.weights[0]!)}`);
    const stripped = stripNeurons(site, found.weights, fresh, patched, options);
    changes.push(...stripped.changes);
    if (stripped.untouched.length > 0) {
      const reason = NOTHING_NEGATIVE[options.means ? 'contribution' : 'weight'];
      unstripped.push({ site, neurons: stripped.untouched, reason });
    }
  }
  return { modified: changes.length > 0, changes, unstripped };
}

/** All layers whose sum is the pre-activation count as one set of incoming weights. */
function stripNeurons(
  site: string,
  layers: NeuronWeights[],
  neurons: readonly number[],
  patched: PatchedWeights,
  { fraction, means }: StripPassOptions,
): { changes: StripChange[]; untouched: number[] } {
  const changes: StripChange[] = [];
  const untouched: number[] = [];
  const codes = layers.map((layer) => readCodes(asPatched(layer, patched), neurons));
  for (const [k, neuron] of neurons.entries()) {
    const weights: number[] = [];
    const inputs: number[] = [];
    for (const [l, layer] of layers.entries()) {
      const ofLayer = means?.get(layer.ref.layer.input.name);
      for (const [i, code] of codes[l]![k]!.entries()) {
        weights.push(layer.decode(code, neuron, i));
        if (ofLayer) inputs.push(ofLayer[layer.inputOf(neuron, i)] ?? 0);
      }
    }
    const chosen = weightsToStrip(weights, fraction, means ? inputs : null);
    if (chosen.length === 0) untouched.push(neuron);
    let first = 0;
    for (const layer of layers) {
      const own = chosen.filter((i) => i >= first && i < first + layer.fanIn).map((i) => i - first);
      first += layer.fanIn;
      if (own.length === 0) continue;
      const { role, initializer, scope } = layer.ref;
      const { elements, patches } = setToZero(patched, layer, neuron, own);
      changes.push({ site, neuron, role, initializer, scope, elements, patches });
    }
  }
  return { changes, untouched };
}

/** The weights behind a site's neurons, or why they cannot be stripped. */
function incomingOf(
  site: Site,
  uses: ReadonlyMap<string, Node[]>,
  { allowShared, means }: StripPassOptions,
): { weights: NeuronWeights[] } | { reason: string } {
  const gates = site.weights.filter(({ role }) => role === 'gate');
  const refs = gates.length > 0 ? gates : site.weights.filter(({ role }) => role === 'in');
  if (refs.length === 0) return { reason: 'no weights are known behind it' };
  if (site.site === 'attn_out') return { reason: 'an attention output has no activation function to revive' };
  const weights: NeuronWeights[] = [];
  for (const ref of refs) {
    const seen = neuronWeights(ref);
    if ('reason' in seen) return seen;
    if (site.neurons !== null && ref.first + site.neurons > seen.neurons) {
      return { reason: `\`${ref.initializer}\` has ${seen.neurons} outputs for ${site.neurons} neurons` };
    }
    const readers = uses.get(keyOf(seen)) ?? [];
    if (!allowShared && readers.length > 1) {
      const others = readers
        .filter((node) => node !== ref.layer.node)
        .map(({ name, opType }) => name || opType);
      return {
        reason: `\`${ref.initializer}\` is shared: ${others.slice(0, 3).join(', ')} read${others.length > 1 ? '' : 's'} it too (--allow-shared strips it all the same)`,
      };
    }
    if (means && !means.has(ref.layer.input.name)) {
      return { reason: `the mean of \`${ref.layer.input.name}\`, the layer's input, is not known` };
    }
    weights.push(seen);
  }
  return { weights };
}

const keyOf = ({ codes }: NeuronWeights): string => bytesKey(codes)!;

/** Whether a neuron of shared weights is dead at every site that they are behind. */
function deadWherever(
  neuron: number,
  weights: readonly NeuronWeights[],
  targets: readonly StripTarget[],
): boolean {
  const keys = new Set(weights.map(keyOf));
  const isBehind = ({ role, value }: WeightRef): boolean => {
    const tensor = role === 'out' ? null : constantTensor(value);
    return tensor !== null && keys.has(bytesKey(tensor) ?? '');
  };
  return targets.every(({ site, dead }) => dead.includes(neuron) || !site.weights.some(isBehind));
}

/** The nodes that read each stored tensor, tensors over the same bytes together. */
function usesByBytes(model: Model): Map<string, Node[]> {
  const uses = new Map<string, Node[]>();
  for (const graph of allGraphs(model.graph)) {
    const constants = [...graph.nodes].filter((node) => node.is('Constant')).map((node) => node.output);
    for (const value of [...graph.initializers, ...constants]) {
      const tensor = constantTensor(value);
      const key = tensor && bytesKey(tensor);
      if (!key) continue;
      const readers = readersOf(value).filter((node) => !node.is('Shape') && !node.is('Size'));
      uses.set(key, [...(uses.get(key) ?? []), ...readers].filter(uniqueAcrossBranches));
    }
  }
  return uses;
}

/** Of readers in different branches of one `If` only the first counts: never more than one of them runs. */
function uniqueAcrossBranches(node: Node, index: number, all: readonly Node[]): boolean {
  return !all.slice(0, index).some((other) => inOtherBranch(node, other));
}

function inOtherBranch(a: Node, b: Node): boolean {
  return a.graph.scopes.some(
    (one) =>
      one.owner?.is('If') && b.graph.scopes.some((other) => other.owner === one.owner && other !== one),
  );
}
