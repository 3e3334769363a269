import type { DataGraph } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import { SMOOTHING_SUMS, type SmoothingProbe, type SmoothingProbes } from '../probe/smoothing.js';
import type { Embedding } from '../sites/embeddings.js';
import { finishSmoothing, type SmoothingMeasures, type SmoothingSums } from '../stats/smoothing.js';

/** Sums over the graph at one site. */
export interface SiteSmoothing {
  site: Embedding;
  sums: SmoothingSums;
}

/** Returns the feeds of the overlay besides the model's inputs. Without `enabled` it skips the sums. */
export function smoothingFeeds(
  probes: SmoothingProbes,
  graph: DataGraph,
  enabled: boolean,
): Record<string, NdArray> {
  const fed = graph !== 'stored';
  return {
    ...(fed && probes.edges !== null && { [probes.edges]: graph.pairs }),
    ...(fed && probes.degrees !== null && { [probes.degrees]: graph.degrees }),
    [probes.enabled]: { type: 'int64', dims: [], data: BigInt64Array.of(enabled ? 1n : 0n) },
  };
}

/** Names of the outputs that {@link readSmoothing} reads. */
export function smoothingOutputs({ sites }: SmoothingProbes): string[] {
  return sites.flatMap(({ sums, gram }) => (gram === null ? [sums] : [sums, gram]));
}

/** The sums of every site whose rows are the nodes of the graph; after pooling they are not. */
export function readSmoothing({ sites }: SmoothingProbes, results: Record<string, NdArray>): SiteSmoothing[] {
  return sites.flatMap((probe) => {
    const sums = readSums(probe, results);
    return sums ? [{ site: probe.site, sums }] : [];
  });
}

function readSums({ sums, gram }: SmoothingProbe, results: Record<string, NdArray>): SmoothingSums | null {
  const data = results[sums]!.data as Float64Array;
  const read = (name: (typeof SMOOTHING_SUMS)[number]): number => data[SMOOTHING_SUMS.indexOf(name)]!;
  const features = (data.length - SMOOTHING_SUMS.length) / 2;
  const nodes = read('nodes');
  if (nodes !== read('graphNodes')) return null;
  const shifted = data.slice(SMOOTHING_SUMS.length, SMOOTHING_SUMS.length + features);
  const first = data.slice(SMOOTHING_SUMS.length + features);
  const offset = shifted.map((value) => value / nodes);
  return {
    nodes,
    pairs: read('pairs'),
    mean: first.map((value, k) => value + offset[k]!),
    // Σ(x − m)² = Σ(x − x₀)² − n·(m − x₀)²
    squaredDeviations: Math.max(
      0,
      read('squares') - offset.reduce((sum, value) => sum + nodes * value * value, 0),
    ),
    energy: read('energy'),
    degreeEnergy: read('degreeEnergy'),
    cosineDistance: read('cosineDistance'),
    zeros: read('zeros'),
    gram: gram === null ? null : (results[gram]!.data as Float64Array),
  };
}

/** Over-smoothing of one layer's embedding. */
export interface LayerSmoothing
  extends Pick<Embedding, 'id' | 'stack' | 'layer' | 'site' | 'part'>,
    SmoothingMeasures {
  nodes: number;
  /** Ordered pairs: an undirected edge is two; no self loops. */
  neighbourPairs: number;
  features: number;
}

/** Returns the measures of every site from its sums. */
export function layerSmoothing(found: SiteSmoothing[]): LayerSmoothing[] {
  return found.map(({ site: { id, stack, layer, site, part }, sums }) => ({
    id,
    stack,
    layer,
    site,
    part,
    nodes: sums.nodes,
    neighbourPairs: sums.pairs,
    features: sums.mean.length,
    ...finishSmoothing(sums),
  }));
}
