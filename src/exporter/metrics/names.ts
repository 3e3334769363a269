/** Every metric there is: name, kind, labels and help. Units stand in the names. */
export const PREFIX = 'activation_auditor_';

/**
 * Labels of a site; `stack` and `part` are empty where a model has no such thing. A neuron is never a label.
 */
const SITE = ['model', 'stack', 'layer', 'site', 'part'] as const;
const MODEL = ['model'] as const;

/**
 * Bounds of the histogram of activation frequencies, ratios. `0` holds the neurons that never fired, `0.001`
 * those that are dead by the default criterion; no frequency is above 1, so `+Inf` stands for 1.
 */
export const FREQUENCY_BOUNDS = [0, 0.0001, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9] as const;

/**
 * Bounds of the histogram of activation values: signed, the same for every site, so that sites and audits add
 * up.
 */
export const VALUE_BOUNDS = [-30, -10, -3, -1, -0.3, -0.1, -0.01, 0.01, 0.1, 0.3, 1, 3, 10, 30] as const;

/** Ways in which an audit ends. */
export const RESULTS = ['success', 'failed', 'cancelled'] as const;
export type Result = (typeof RESULTS)[number];

export interface MetricDefinition {
  type: 'gauge' | 'counter' | 'histogram';
  help: string;
  labels: readonly string[];
  /** Upper bounds of a histogram's buckets, without `+Inf`. */
  bounds?: readonly number[];
}

const definitions = {
  neurons: { type: 'gauge', labels: SITE, help: 'Neurons at a site.' },
  dead_neurons: {
    type: 'gauge',
    labels: SITE,
    help: 'Dead neurons at a site, by the criterion of the last audit.',
  },
  dead_ratio: { type: 'gauge', labels: SITE, help: 'Dead neurons / neurons at a site.' },
  flagged_neurons: {
    type: 'gauge',
    labels: [...SITE, 'flag'],
    help: 'Neurons at a site that carry a flag: silent, neverPositive, dormant, constant, saturated or nonFinite.',
  },
  newly_dead_neurons: {
    type: 'gauge',
    labels: SITE,
    help: 'Neurons that are dead and were not in the audit before.',
  },
  revived_neurons: {
    type: 'gauge',
    labels: SITE,
    help: 'Neurons that were dead in the audit before and are not any more, e.g. after a strip.',
  },
  activation_frequency_ratio: {
    type: 'histogram',
    labels: SITE,
    bounds: FREQUENCY_BOUNDS,
    help: 'Activation frequency (positions fired / positions) of the neurons of a site, over all audits of the current file.',
  },
  activation_value: {
    type: 'histogram',
    labels: SITE,
    bounds: VALUE_BOUNDS,
    help: 'Activation values at a site, over all audits of the current file. No sum: values are signed, so it would be no counter.',
  },
  non_finite_values_total: {
    type: 'counter',
    labels: SITE,
    help: 'NaN and infinite activations seen at a site, over all audits of the current file.',
  },
  positions_total: { type: 'counter', labels: MODEL, help: 'Positions (tokens, nodes, pixels) audited.' },
  audits_total: {
    type: 'counter',
    labels: [...MODEL, 'result'],
    help: 'Audits by result: success, failed, cancelled.',
  },
  audit_duration_seconds: { type: 'gauge', labels: MODEL, help: 'Duration of the last successful audit.' },
  positions_per_second: {
    type: 'gauge',
    labels: MODEL,
    help: 'Positions per second of the last successful audit.',
  },
  last_success_timestamp_seconds: {
    type: 'gauge',
    labels: MODEL,
    help: 'When the last successful audit ended, seconds since 1970.',
  },
  last_audit_success: {
    type: 'gauge',
    labels: MODEL,
    help: '1 if the last audit succeeded, 0 if it failed.',
  },
  resolution_ratio: {
    type: 'gauge',
    labels: MODEL,
    help: 'Finest activation frequency that the last audit could tell from zero: 3 / positions. Absent for a census.',
  },
  capacity_ratio: {
    type: 'gauge',
    labels: MODEL,
    help: 'Active parameters / parameters: those neither attached to a dead neuron nor pruned.',
  },
  gate_status: {
    type: 'gauge',
    labels: [...MODEL, 'rule'],
    help: '1 if the last audit passed the gate rule at every site, 0 if it failed.',
  },
  checkpoint_step: { type: 'gauge', labels: MODEL, help: 'Training step of the checkpoint audited last.' },
  dirichlet_energy: {
    type: 'gauge',
    labels: SITE,
    help: 'Dirichlet energy of the node features of a layer of a graph model; falls to 0 with over-smoothing.',
  },
  distance_to_mean: {
    type: 'gauge',
    labels: SITE,
    help: 'Frobenius norm of the node features of a layer of a graph model less their mean row.',
  },
  effective_rank: {
    type: 'gauge',
    labels: SITE,
    help: 'Effective rank of the node features of a layer of a graph model.',
  },
  degree_normalised_dirichlet_energy: {
    type: 'gauge',
    labels: SITE,
    help: 'Degree-normalised Dirichlet energy of the node features of a layer of a graph model; not 0 at full collapse.',
  },
  mean_average_distance: {
    type: 'gauge',
    labels: SITE,
    help: 'Mean over nodes of the cosine distances to their neighbours, of a layer of a graph model.',
  },
  zero_output_ratio: {
    type: 'gauge',
    labels: SITE,
    help: 'Share of the outputs of a layer of a graph model that are exactly zero.',
  },
  model_info: {
    type: 'gauge',
    labels: [...MODEL, 'architecture', 'data', 'criterion'],
    help: 'Always 1; what the last audit was about.',
  },
  models: { type: 'gauge', labels: [], help: 'Models in the folder.' },
  models_without_histograms: {
    type: 'gauge',
    labels: [],
    help: 'Models whose histograms are left out to stay within the limit on series.',
  },
  queue_depth: { type: 'gauge', labels: ['device'], help: 'Audits that wait for a device.' },
  running_audits: { type: 'gauge', labels: ['device'], help: 'Audits that run on a device: 0 or 1.' },
  state_writable: {
    type: 'gauge',
    labels: [],
    help: '1 if the state folder can be written, 0 if not: then no audit can be stored.',
  },
  build_info: {
    type: 'gauge',
    labels: ['version', 'onnxruntime'],
    help: 'Always 1; versions of the exporter.',
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof definitions;

/** By name without the prefix, in the order of the exposition. */
export const METRICS: Readonly<Record<MetricName, MetricDefinition>> = definitions;

export const METRIC_NAMES = Object.keys(definitions) as MetricName[];

/** Metrics of a model, which a batch run pushes; the others are of the exporter. */
export const MODEL_METRICS = METRIC_NAMES.filter((name) => METRICS[name].labels.includes('model'));

/** Gives the name that Prometheus sees. */
export function fullName(name: MetricName): string {
  return PREFIX + name;
}
