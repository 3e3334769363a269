import type { BytePatch } from '../../files/patch.js';
import { constantTensor } from '../../graph/constants.js';
import type { Model } from '../../graph/model.js';
import { bytesKey } from '../../onnx/elements.js';
import type { Site, WeightRef } from '../../sites/types.js';
import type { NeuronWeights } from '../neuron-weights.js';
import type { PatchedWeights } from '../patched-weights.js';
import { readCodes } from '../read-codes.js';
import { readersByBytes } from '../tensor-readers.js';
import { weightsToStrip } from './choose-weights.js';
import { type IncomingOptions, incomingWeights, keyOf } from './incoming-weights.js';
import { asPatched, setToZero } from './set-to-zero.js';

export interface StripTarget {
  site: Site;
  /** Indices of its dead neurons, increasing. */
  dead: readonly number[];
}

export interface RoundOptions extends Omit<IncomingOptions, 'readers'> {
  /** Share of a neuron's remaining incoming weights to remove. */
  fraction: number;
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

const NOTHING_NEGATIVE = {
  weight: 'none of its incoming weights is negative',
  contribution: 'none of its incoming weights contributes negatively on the data',
} as const;

/**
 * Strips dead neurons, one round (Whitaker & Whitley 2023): sets the most negative of each neuron's incoming
 * weights to zero, in `patched`, which is changed; the model is only looked at. Reads from disk the weights
 * of dead neurons, and whole the tensors that change.
 */
export function stripRound(
  model: Model,
  targets: readonly StripTarget[],
  patched: PatchedWeights,
  options: RoundOptions,
): { modified: boolean; changes: StripChange[]; unstripped: Unstripped[] } {
  const readers = readersByBytes(model);
  const changes: StripChange[] = [];
  const unstripped: Unstripped[] = [];
  // Sites that share weights share their neurons' weights: each is stripped once.
  const done = new Set<string>();
  for (const { site, dead } of targets) {
    if (dead.length === 0) continue;
    const { id } = site;
    const incoming = incomingWeights(site, { ...options, readers });
    if ('reason' in incoming) {
      unstripped.push({ site: id, neurons: [...dead], reason: incoming.reason });
      continue;
    }
    const { weights } = incoming;
    const deadEverywhere = dead.filter((neuron) => isDeadEverywhere(neuron, weights, targets));
    const alive = dead.filter((neuron) => !deadEverywhere.includes(neuron));
    if (alive.length > 0) {
      const reason = 'its weights are shared with a neuron that is alive';
      unstripped.push({ site: id, neurons: alive, reason });
    }
    const keyOfNeuron = (neuron: number) => `${neuron}:${keyOf(weights[0]!)}`;
    const fresh = deadEverywhere.filter((neuron) => !done.has(keyOfNeuron(neuron)));
    for (const neuron of fresh) done.add(keyOfNeuron(neuron));
    const stripped = stripNeurons(id, weights, fresh, patched, options);
    changes.push(...stripped.changes);
    if (stripped.untouched.length > 0) {
      const reason = NOTHING_NEGATIVE[options.means ? 'contribution' : 'weight'];
      unstripped.push({ site: id, neurons: stripped.untouched, reason });
    }
  }
  return { modified: changes.length > 0, changes, unstripped };
}

/**
 * Strips neurons of one site. All layers whose sum is the pre-activation count as one set of incoming
 * weights.
 */
function stripNeurons(
  site: string,
  layers: NeuronWeights[],
  neurons: readonly number[],
  patched: PatchedWeights,
  { fraction, means }: RoundOptions,
): { changes: StripChange[]; untouched: number[] } {
  const changes: StripChange[] = [];
  const untouched: number[] = [];
  const codes = layers.map((layer) => readCodes(asPatched(layer, patched), neurons));
  for (const [k, neuron] of neurons.entries()) {
    const weights: number[] = [];
    const inputs: number[] = [];
    for (const [l, layer] of layers.entries()) {
      const meansOfLayer = means?.get(layer.ref.layer.input.name);
      for (const [i, code] of codes[l]![k]!.entries()) {
        weights.push(layer.decode(code, neuron, i));
        if (meansOfLayer) inputs.push(meansOfLayer[layer.inputOf(neuron, i)] ?? 0);
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
      changes.push({ site, neuron, role, initializer, scope, ...setToZero(patched, layer, neuron, own) });
    }
  }
  return { changes, untouched };
}

/** Returns true if a neuron is dead at every site whose incoming weights are among these. */
function isDeadEverywhere(
  neuron: number,
  weights: readonly NeuronWeights[],
  targets: readonly StripTarget[],
): boolean {
  const keys = new Set(weights.map(keyOf));
  const isAmongThem = ({ role, value }: WeightRef): boolean => {
    const tensor = role === 'out' ? null : constantTensor(value);
    return tensor !== null && keys.has(bytesKey(tensor) ?? '');
  };
  return targets.every(({ site, dead }) => dead.includes(neuron) || !site.weights.some(isAmongThem));
}
