import type { GraphReport } from './schema.js';

/** Fields of a graph network's layer that a rule may compare, and their names in the report. */
export const GRAPH_FIELDS = {
  dirichlet_energy: 'dirichletEnergy',
  distance_to_mean: 'distanceToMean',
  degree_normalised_dirichlet_energy: 'degreeNormalisedDirichletEnergy',
  mean_average_distance: 'meanAverageDistance',
  effective_rank: 'effectiveRank',
  zero_share: 'zeroShare',
} as const satisfies Record<string, keyof GraphReport>;

export type GraphField = keyof typeof GRAPH_FIELDS;

export function isGraphField(name: string): name is GraphField {
  return Object.hasOwn(GRAPH_FIELDS, name);
}
