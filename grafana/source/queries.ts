import { fullName, METRICS, type MetricName } from '../../src/exporter/metrics/names.js';

/**
 * Matches the exporters that the variables `job` and `instance` name. A pushed series has no instance, and
 * `.*` matches it.
 */
export const ofSource = 'job=~"$job", instance=~"$instance"';
/** Matches the model that the variable `model` names; works for one, for several and for all. */
export const ofModel = `${ofSource}, model=~"$model"`;
/** Matches the sites and layers that the variables name. */
export const ofSite = `${ofModel}, site=~"$site", layer=~"$layer"`;
export const ofMlp = `${ofModel}, site="mlp_post"`;

/** Labels of a site. */
export const SITE_LABELS = 'stack, layer, site, part';

/** Writes a selector of a metric that exists: `activation_auditor_dead_ratio{…}`. */
export function metric(name: MetricName, matchers = ofModel): string {
  return `${fullName(name)}{${matchers}}`;
}

/** Writes a selector of the cumulative buckets of a histogram. */
export function buckets(name: MetricName, matchers = ofSite): string {
  if (METRICS[name].type !== 'histogram') throw new Error(`${name} is no histogram`);
  return `${fullName(name)}_bucket{${matchers}}`;
}

/** Dead MLP neurons / MLP neurons, which is the dead ratio of a model. `offset` is as in `1w`. */
export function modelDeadRatio(offset?: string): string {
  const shift = offset === undefined ? '' : ` offset ${offset}`;
  const total = (name: MetricName) => `sum by (model) (${metric(name, ofMlp)}${shift})`;
  return `${total('dead_neurons')} / ${total('neurons')}`;
}

/** Seconds since the last successful audit of each model. */
export const SINCE_LAST_AUDIT = `time() - max by (model) (${metric('last_success_timestamp_seconds')})`;

/** 1 where a model's last audit succeeded, 0 where it failed. */
export const LAST_AUDIT = `min by (model) (${metric('last_audit_success')})`;

/** Counts the failed rules of each model; 0 where all passed, nothing where a model has no rules. */
export const FAILED_RULES = `count by (model) (${metric('gate_status')} == 0) or 0 * count by (model) (${metric('gate_status')})`;

/**
 * Rise of a counter within a time. A series that is younger than that may begin above 0, since an audit can
 * end before the first scrape: `increase` alone would miss this first rise.
 */
export function riseOf(selector: string, time: string): string {
  return `(${selector} unless ${selector} offset ${time}) or increase(${selector}[${time}])`;
}
