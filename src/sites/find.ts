import type { Graph } from '../graph/graph.js';
import { headLayers } from './heads.js';
import { arrange, type LayerId, type Sublayer } from './layers.js';
import { findStacks } from './stacks.js';
import type { Coverage, NearMiss, Site, SiteName } from './types.js';
import { type AttentionUnit, isConvolutional, type MlpUnit } from './unit.js';
import { findUnits } from './units.js';
import { incomingRef, outgoingRef } from './weight-refs.js';

export interface FoundSites {
  /** In layer order: attention, then MLP, then output. */
  sites: Site[];
  misses: NearMiss[];
  coverage: Coverage;
}

/** A plugin's numbering of the layers of a stack. */
export type Arrange = (units: readonly Sublayer[]) => LayerId[];

/** Returns the sites of a graph: matches with layer numbers, ids and the weights of each neuron. */
export function findSites(graph: Graph, arrangeUnits: Arrange = arrange): FoundSites {
  const { units, heads, misses, coverage } = findUnits(graph);
  const arranged = findStacks(graph, units).flatMap(({ name, units }) => {
    const ids = arrangeUnits(units);
    return units.map((unit, i) => ({ unit, id: { ...ids[i]!, stack: ids[i]!.stack || name } }));
  });
  const sites = arranged.flatMap(({ unit, id }) =>
    unit.kind === 'mlp' ? mlpSites(unit, id) : [attentionSite(unit, id)],
  );
  for (const [i, id] of headLayers(heads, arranged).entries()) sites.push(outputSite(heads[i]!, id));
  return { sites: inLayerOrder(sites), misses, coverage };
}

const siteRank: Record<SiteName, number> = { attn_out: 0, mlp_pre: 1, mlp_post: 2, output: 3 };

function inLayerOrder(sites: Site[]): Site[] {
  const stacks = new Map([...new Set(sites.map(({ stack }) => stack))].map((stack, i) => [stack, i]));
  return sites.sort(
    (a, b) =>
      stacks.get(a.stack)! - stacks.get(b.stack)! || a.layer - b.layer || siteRank[a.site] - siteRank[b.site],
  );
}

/** The fields of a site that follow from its id and its tensor. */
function siteAt(
  id: LayerId,
  site: SiteName,
  { value, axis }: Pick<Site, 'value' | 'axis'>,
): Pick<Site, 'id' | 'site' | 'value' | 'axis' | keyof LayerId> {
  const { stack, layer, part } = id;
  const pieces = [stack, layer, site, part].filter((piece) => piece !== '');
  return { id: pieces.join('.'), stack, layer, part, site, value, axis };
}

function mlpSites(unit: MlpUnit, id: LayerId): Site[] {
  const { activation, into, gate, out } = unit;
  const axis = isConvolutional(unit) ? 1 : -1;
  const incoming = into.map((layer) => incomingRef(gate ? 'gate' : 'in', layer, layer.bias));
  const up = gate?.up.map((layer) => incomingRef('up', layer, layer.bias)) ?? [];
  const outgoing = out.flatMap((layer) => outgoingRef(layer) ?? []);
  const both = { neurons: into[0]?.neurons ?? unit.neurons, activation: activation.name };
  return [
    {
      ...siteAt(id, 'mlp_pre', { value: activation.pre, axis }),
      ...both,
      plus: activation.bias,
      weights: incoming,
    },
    {
      ...siteAt(id, 'mlp_post', { value: gate?.product ?? activation.post, axis }),
      ...both,
      plus: null,
      weights: [...incoming, ...up, ...outgoing],
    },
  ];
}

function attentionSite({ attention }: AttentionUnit, id: LayerId): Site {
  const { projection, result, averaged } = attention;
  return {
    ...siteAt(id, 'attn_out', { value: result.value, axis: projection.neuronAxis }),
    plus: result.absorbed,
    neurons: averaged ? averaged.neurons : projection.neurons,
    activation: null,
    weights: averaged ? [] : [incomingRef('in', projection, result.bias ?? projection.bias)],
  };
}

function outputSite(head: MlpUnit, id: LayerId): Site {
  const { activation, into } = head;
  return {
    ...siteAt(id, 'output', { value: activation.post, axis: isConvolutional(head) ? 1 : -1 }),
    plus: null,
    neurons: into[0]?.neurons ?? head.neurons,
    activation: activation.name,
    weights: into.map((layer) => incomingRef('in', layer, layer.bias)),
  };
}
