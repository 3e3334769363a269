import type { Graph, Value } from '../graph/graph.js';
import type { Linear } from '../patterns/linear.js';
import type { UpstreamLinear } from '../patterns/linear-upstream.js';
import { storedWeight } from '../patterns/weights.js';
import { arrange, type Place, type Placeable } from './layers.js';
import { findStacks } from './stacks.js';
import type { Miss, Site, SiteName, WeightRef } from './types.js';
import { type AttentionUnit, findUnits, type MlpUnit } from './units.js';

export interface FoundSites {
  /** In layer order: attention, then MLP. */
  sites: Site[];
  misses: Miss[];
}

/** How a plugin may number layers differently. */
export type Arrange = (units: readonly Placeable[]) => Place[];

/** The sites of a graph: matches with layer numbers, ids and the weights behind each neuron. */
export function findSites(graph: Graph, arrangeUnits: Arrange = arrange): FoundSites {
  const { units, misses } = findUnits(graph);
  const sites = findStacks(graph, units).flatMap(({ name, units }) => {
    const places = arrangeUnits(units).map((place) => ({ ...place, stack: place.stack || name }));
    return units.flatMap((unit, i) =>
      unit.kind === 'mlp' ? mlpSites(unit, places[i]!) : [attentionSite(unit, places[i]!)],
    );
  });
  return { sites: inLayerOrder(sites), misses };
}

/** `[stack.]layer.site[.part]` (DESIGN section 1). */
export function siteId({ stack, layer, part }: Place, site: SiteName): string {
  return [stack, layer, site, part].filter((piece) => piece !== '').join('.');
}

const siteRank: Record<SiteName, number> = { attn_out: 0, mlp_pre: 1, mlp_post: 2 };

function inLayerOrder(sites: Site[]): Site[] {
  const stacks = [...new Set(sites.map((site) => site.stack))];
  return sites.sort(
    (a, b) =>
      stacks.indexOf(a.stack) - stacks.indexOf(b.stack) ||
      a.layer - b.layer ||
      siteRank[a.site] - siteRank[b.site],
  );
}

function mlpSites(unit: MlpUnit, place: Place): Site[] {
  const { activation, into, gate, out } = unit;
  const conv = into.some((layer) => layer.node.opType.includes('Conv'));
  const incoming = into.map((layer) => incomingRef(gate ? 'gate' : 'in', layer, layer.bias));
  const up = gate?.up.map((layer) => incomingRef('up', layer, layer.bias)) ?? [];
  const outgoing = out.map(outgoingRef).filter((ref) => ref !== null);
  const base = {
    ...place,
    axis: conv ? 1 : -1,
    neurons: into[0]?.neurons ?? unit.neurons,
    activation: activation.name,
  };
  return [
    {
      ...base,
      id: siteId(place, 'mlp_pre'),
      site: 'mlp_pre',
      value: activation.pre,
      plus: activation.bias,
      weights: incoming,
    },
    {
      ...base,
      id: siteId(place, 'mlp_post'),
      site: 'mlp_post',
      value: gate?.product ?? activation.post,
      plus: null,
      weights: [...incoming, ...up, ...outgoing],
    },
  ];
}

function attentionSite({ attention }: AttentionUnit, place: Place): Site {
  const { projection, result, averaged } = attention;
  return {
    ...place,
    id: siteId(place, 'attn_out'),
    site: 'attn_out',
    value: result.value,
    plus: result.absorbed,
    axis: -1,
    neurons: averaged ? averaged.neurons : projection.neurons,
    activation: null,
    weights: averaged ? [] : [incomingRef('in', projection, result.bias ?? projection.bias)],
  };
}

/** The weights of a linear layer whose outputs are the neurons of a site. */
export function incomingRef(
  role: WeightRef['role'],
  layer: Linear | UpstreamLinear,
  bias: Value | null,
): WeightRef {
  const { weight, outAxis, fanIn } = layer;
  const stored = bias && (storedWeight(bias)?.value ?? bias);
  return {
    role,
    value: weight,
    layer,
    initializer: weight.name,
    scope: scopeOf(weight),
    axis: outAxis,
    first: 'first' in layer ? layer.first : 0,
    bias: stored,
    fanIn,
    fanOut: null,
  };
}

function outgoingRef(layer: Linear): WeightRef | null {
  if (layer.inAxis < 0) return null;
  const { weight, inAxis, neurons } = layer;
  return {
    role: 'out',
    value: weight,
    layer,
    initializer: weight.name,
    scope: scopeOf(weight),
    axis: inAxis,
    first: 0,
    bias: null,
    fanIn: null,
    fanOut: neurons,
  };
}

/** Path of the nodes whose nested graphs lead to the value; `''` in the main graph. */
function scopeOf(value: Value): string {
  const owners = value.graph.scopes.flatMap((graph) => (graph.owner ? [graph.owner.name] : []));
  return owners.reverse().join('/');
}
