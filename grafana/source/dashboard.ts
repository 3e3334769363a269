import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { fullName, type MetricName } from '../../src/exporter/metrics/names.js';
import { metric, ofSource } from './queries.js';

/** The dashboard's own variable, never `__inputs`: that breaks under file provisioning. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
export const datasource = { type: 'prometheus', uid: '${datasource}' };

/** Address of the auditor's pages, a variable of every dashboard. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
export const AUDITOR = '${auditor}';

/**
 * Variables that every dashboard has, so that a link keeps them. The model is not among them: see `links`.
 */
const SHARED_VARIABLES = ['datasource', 'job', 'instance', 'auditor'];

const DASHBOARDS = { overview: 'Overview', model: 'Model', training: 'Training run' };
type Name = keyof typeof DASHBOARDS;

/** Makes an empty dashboard with the variables, links and annotations that all share. */
export function dashboard(name: Name, description: string): DashboardBuilder {
  const built = new DashboardBuilder(`Activation auditor / ${DASHBOARDS[name]}`)
    .uid(uidOf(name))
    .id(null)
    .description(description)
    .tags(['activation-auditor'])
    .timezone('browser')
    .refresh('1m')
    .time({ from: 'now-7d', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .readonly()
    .links(links(name))
    .withVariable(
      new DatasourceVariableBuilder('datasource')
        .label('Data source')
        .type('prometheus')
        .current({ text: 'default', value: 'default' }),
    )
    .withVariable(variable('job', 'Job', 'audits_total', { many: true }))
    .withVariable(variable('instance', 'Instance', 'audits_total', { matchers: 'job=~"$job"', many: true }))
    .withVariable(
      new TextBoxVariableBuilder('auditor')
        .label('Auditor')
        .description("Address of the auditor's pages, for links to them")
        .defaultValue('http://localhost:9847')
        .current({ text: 'http://localhost:9847', value: 'http://localhost:9847' }),
    );
  return built;
}

export function uidOf(name: Name): string {
  return `activation-auditor-${name}`;
}

/**
 * Writes the address of a dashboard with the time and the variables that all share.
 *
 * @param more Further variables, e.g. `var-model=…`.
 */
export function addressOf(name: Name, ...more: string[]): string {
  const shared = SHARED_VARIABLES.map((variable) => `\${${variable}:queryparam}`);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
  return `/d/${uidOf(name)}?${[...more, ...shared, '${__url_time_range}'].join('&')}`;
}

/**
 * Links to the other dashboards and to the auditor. They leave out the model: several models of the overview
 * are none of the dashboard of one, and most models are no training run.
 */
function links(own: Name): DashboardLinkBuilder[] {
  const others = (Object.keys(DASHBOARDS) as Name[]).filter((name) => name !== own);
  const link = (title: string, url: string) =>
    new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url).icon('external link');
  return [
    ...others.map((name) =>
      link(DASHBOARDS[name], addressOf(name).replace(/&\$\{__url_time_range\}$/, '')).keepTime(true),
    ),
    link("Auditor's pages", `${AUDITOR}/`).targetBlank(true),
    link('Runbook', `${AUDITOR}/runbook`).targetBlank(true),
  ];
}

/**
 * Links to the auditor's page of a model, from a panel or from a value on a graph.
 *
 * @param model The name in Grafana's syntax, as in `${model:percentencode}`.
 */
export function pageLink(model: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder("The auditor's page of the model")
    .type(DashboardLinkType.Link)
    .url(`${AUDITOR}/models/${model}`)
    .targetBlank(true);
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variables
export const MODEL_OF_PAGE = '${model:percentencode}';
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variables
export const MODEL_OF_SERIES = '${__field.labels.model:percentencode}';
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variables
export const MODEL_OF_CELL = '${__value.raw:percentencode}';

/**
 * Makes a variable that lists the values of a label. `start` is the value that it begins with; else it begins
 * with all.
 */
export function variable(
  name: string,
  label: string,
  metricName: MetricName,
  { matchers = '', many = false, start = null as string | null } = {},
): QueryVariableBuilder {
  const query = `label_values(${fullName(metricName)}${matchers === '' ? '' : `{${matchers}}`}, ${name})`;
  const built = new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: name, qryType: 1 })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(many)
    .includeAll(many);
  if (!many) return built;
  const current = start === null ? { text: 'All', value: '$__all' } : { text: [start], value: [start] };
  return built.allValue('.*').current(current);
}

/** Makes the variable of the model, or of the models. */
export function modelVariable(label: string, metricName: MetricName, many = false): QueryVariableBuilder {
  return variable('model', label, metricName, { matchers: ofSource, many });
}

const LAST_AUDIT_MILLISECONDS = `max by (model) (${metric('last_success_timestamp_seconds')}) * 1000`;

/** Marks of events on all graphs over time: audits, failed gates, failed audits. */
export const annotations = [
  annotation('Audit finished', 'blue', LAST_AUDIT_MILLISECONDS).useValueForTime(true).enable(false),
  annotation(
    'Gate failed',
    'red',
    `${LAST_AUDIT_MILLISECONDS} and on (model) (min by (model) (${metric('gate_status')}) == 0)`,
  ).useValueForTime(true),
  annotation('Audit failing', 'orange', `min by (model) (${metric('last_audit_success')}) == 0`),
];

/** Marks the checkpoints of training runs. */
export const checkpointAnnotation = annotation(
  'Checkpoint audited',
  'purple',
  `${LAST_AUDIT_MILLISECONDS} and on (model) (max by (model) (${metric('checkpoint_step')}) >= 0)`,
).useValueForTime(true);

function annotation(name: string, color: string, expr: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(datasource)
    .enable(true)
    .iconColor(color)
    .expr(expr)
    .step('60s')
    .titleFormat(name)
    .textFormat('{{model}}');
}
