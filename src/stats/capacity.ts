/**
 * Weights that feed the neurons of a site (`in`, `gate`, `up`) or read them (`out`), as reports carry them.
 */
export interface CapacityWeights {
  role: 'in' | 'gate' | 'up' | 'out';
  initializer: string;
  scope: string;
  axis: number;
  bias: string | null;
  /** Incoming weights per neuron. */
  fanIn: number | null;
  /** Outgoing weights per neuron. */
  fanOut: number | null;
}

export interface CapacitySite {
  neurons: number;
  deadNeurons: number[];
  weights: CapacityWeights[];
}

export interface Capacity {
  /** Number of the model's parameters. */
  parameters: number;
  /**
   * Number of those neither attached to a dead neuron nor pruned; `null` if the weights of a dead neuron are
   * unknown.
   */
  active: number | null;
  pruned: number;
  ratio: number | null;
}

/**
 * Computes the capacity of a model (Whitaker & Whitley 2023, section III-D): the share of its parameters that
 * is neither attached to a dead MLP neuron nor pruned.
 *
 * A neuron has its incoming weights (`in`, or `gate` and `up`), one bias for each of these, and its outgoing
 * weights. An initializer that several sites share counts once, and only for the neurons that are dead at all
 * of them.
 *
 * @param sites The model's `mlp_post` sites, with all their weights.
 */
export function capacity(parameters: number, sites: CapacitySite[], pruned = 0): Capacity {
  const attached = attachedToDead(sites);
  const active = attached === null ? null : Math.max(0, parameters - attached - pruned);
  const ratio = active === null || !(parameters > 0) ? null : active / parameters;
  return { parameters, active, pruned, ratio };
}

function attachedToDead(sites: CapacitySite[]): number | null {
  const tensors = new Map<string, { perNeuron: number; dead: Set<number> }>();
  for (const { deadNeurons, weights } of sites) {
    if (deadNeurons.length > 0 && weights.every(({ role }) => role === 'out')) return null;
    for (const ref of weights) {
      const perNeuron = parametersPerNeuron(ref);
      if (perNeuron === null) {
        if (deadNeurons.length > 0) return null;
        continue;
      }
      const key = JSON.stringify([ref.scope, ref.initializer, ref.axis, ref.role]);
      const dead = new Set(deadNeurons);
      const shared = tensors.get(key);
      tensors.set(key, { perNeuron, dead: shared ? intersection(shared.dead, dead) : dead });
    }
  }
  return [...tensors.values()].reduce((sum, { perNeuron, dead }) => sum + perNeuron * dead.size, 0);
}

function parametersPerNeuron({ role, fanIn, fanOut, bias }: CapacityWeights): number | null {
  if (role === 'out') return fanOut; // the bias of the down projection belongs to its outputs
  return fanIn === null ? null : fanIn + (bias === null ? 0 : 1);
}

function intersection(a: Set<number>, b: Set<number>): Set<number> {
  return new Set([...a].filter((index) => b.has(index)));
}
