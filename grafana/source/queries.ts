import { fullName, METRICS, type MetricName } from '../../src/exporter/metrics/names.js';

/** The model that the dashboard's variable names; works for one, for several and for all. */
export const ofModel = 'model=~"$model"';
/** The sites and layers that the dashboard's variables name. */
export const ofSite = `${ofModel}, site=~"$site", layer=~"$layer"`;
export const ofMlp = `${ofModel}, site="mlp_post"`;

/** A selector of a metric that exists: `activation_auditor_dead_ratio{…}`. */
export function metric(name: MetricName, matchers = ofModel): string {
  return `${fullName(name)}{${matchers}}`;
}

/** The cumulative buckets of a histogram. */
export function buckets(name: MetricName, matchers = ofSite): string {
  if (METRICS[name].type !== 'histogram') throw new Error(`${name} is no histogram`);
  return `${fullName(name)}_bucket{${matchers}}`;
}

/** Dead MLP neurons / MLP neurons, which is the dead ratio of a model; `offset` as in `1w`. */
export function modelDeadRatio(by = 'model', offset?: string): string {
  const then = offset === undefined ? '' : ` offset ${offset}`;
  return (
    `sum by (${by}) (${metric('dead_neurons', ofMlp)}${then})` +
    ` / sum by (${by}) (${metric('neurons', ofMlp)}${then})`
  );
}
