import { constantTensor } from '../graph/constants.js';
import type { Value } from '../graph/graph.js';
import { type AuditedModel, type ModelOptions, openAuditedFile } from '../measure/audited-model.js';
import { describeModel } from '../measure/describe-model.js';
import { inferShapes } from '../measure/infer-shapes.js';
import { modelInputs, modelKind } from '../measure/model-kind.js';
import { dataTypeName } from '../onnx/data-types.js';
import { findEmbeddings } from '../patterns/embedding.js';
import { findHazards } from '../patterns/hazards.js';
import { type StoredGraph, storedGraph, takesAdjacency } from '../patterns/stored-graph.js';
import { type StoredNodes, storedNodes } from '../patterns/stored-nodes.js';
import type { AuditReport } from '../report/schema.js';
import { coverageGap } from '../sites/coverage.js';
import type { Coverage, NearMiss, Site, WeightRef } from '../sites/types.js';

/** A tensor as it is declared or inferred: `float32 [batch, sequence, 512]`. */
export interface InspectedTensor {
  name: string;
  type: string;
  /** `null` when not even the rank is known; a dimension is a size, a name, or `null`. */
  shape: (number | string | null)[] | null;
}

export interface InspectedWeight {
  role: WeightRef['role'];
  initializer: string;
  scope: string;
  type: string;
  shape: number[];
  /** Axis of the initializer that the site's neurons index. */
  axis: number;
  /** Index along `axis` of the site's first neuron; above 0 in packed weights. */
  first: number;
  bias: string | null;
  fanIn: number | null;
  fanOut: number | null;
}

export interface InspectedSite {
  id: string;
  stack: string;
  layer: number;
  site: Site['site'];
  part: string;
  tensor: InspectedTensor;
  /** A bias that a fused operator absorbed: the site is tensor + this. */
  plus: string | null;
  neurons: number | null;
  activation: string | null;
  weights: InspectedWeight[];
}

/** Facts of a model that are known without running it. */
export interface Inspection {
  model: AuditReport['model'];
  kind: ReturnType<typeof modelKind>;
  /** Graph of nodes and edges that the file holds, for a model that takes features alone. */
  storedGraph: { kind: StoredGraph['kind']; nodes: StoredNodes | null } | null;
  inputs: InspectedTensor[];
  outputs: InspectedTensor[];
  vocabulary: number | null;
  maxPositions: number | null;
  sites: InspectedSite[];
  misses: NearMiss[];
  coverage: Coverage;
  warnings: { code: string; message: string }[];
}

/** Finds sites, layers, neurons, inputs, and the weights that feed each site; no weight is read. */
export async function inspect(options: ModelOptions & { name?: string }): Promise<Inspection> {
  const file = await openAuditedFile(options);
  const { model, sites, misses, coverage, plugin } = file.original;
  const gap = coverageGap(coverage);
  const { graph } = model;
  const inputs = modelInputs(graph);
  const stored = storedGraph(graph);
  const { vocabulary, maxPositions } = findEmbeddings(graph);
  const shapes = await inferShapes(file.copy(), siteTensors(file.original));
  return {
    model: describeModel(file, options.name),
    kind: modelKind(inputs, { stored: stored !== null, fed: takesAdjacency(graph) }),
    storedGraph: stored && { kind: stored.kind, nodes: storedNodes(stored) },
    inputs: graph.inputs.filter(({ tensor }) => !tensor).map((value) => tensorOf(value)),
    outputs: graph.outputs.map((value) => tensorOf(value)),
    vocabulary,
    maxPositions: maxPositions === null ? null : maxPositions - (plugin?.reservedPositions ?? 0),
    sites: sites.map((site) => siteOf(site, shapes)),
    misses,
    coverage,
    warnings: [
      ...findHazards(graph).map(({ code, message }) => ({ code, message })),
      ...(gap === null ? [] : [{ code: 'coverage', message: gap }]),
    ],
  };
}

const siteTensors = ({ sites }: AuditedModel): string[] => [...new Set(sites.map(({ value }) => value.name))];

function tensorOf({ name, type }: Value, inferred?: InspectedTensor): InspectedTensor {
  // ONNX Runtime gives an unknown rank as no dimension at all; a site's tensor is no scalar.
  if (!type?.shape && inferred) return inferred.shape?.length === 0 ? { ...inferred, shape: null } : inferred;
  return { name, type: dataTypeName(type?.elemType), shape: type?.shape ?? null };
}

/** Takes the size of the neurons' axis from the weights if it was not inferred. */
function withNeurons(tensor: InspectedTensor, { axis, neurons }: Site): InspectedTensor {
  const { shape } = tensor;
  if (!shape || neurons === null || shape.length < (axis < 0 ? -axis : axis + 1)) return tensor;
  return { ...tensor, shape: shape.with(axis, neurons) };
}

function siteOf(site: Site, shapes: Map<string, InspectedTensor>): InspectedSite {
  const { id, stack, layer, part, neurons, activation, value, plus, weights } = site;
  return {
    id,
    stack,
    layer,
    site: site.site,
    part,
    tensor: withNeurons(tensorOf(value, shapes.get(value.name)), site),
    plus: plus?.name ?? null,
    neurons,
    activation,
    weights: weights.map(weightOf),
  };
}

function weightOf({
  role,
  value,
  initializer,
  scope,
  axis,
  first,
  bias,
  fanIn,
  fanOut,
}: WeightRef): InspectedWeight {
  const tensor = constantTensor(value);
  return {
    role,
    initializer,
    scope,
    type: dataTypeName(tensor?.dataType),
    shape: tensor?.dims.map(Number) ?? [],
    axis,
    first,
    bias: bias?.name ?? null,
    fanIn,
    fanOut,
  };
}
