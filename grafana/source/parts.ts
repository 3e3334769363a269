import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import { GraphDrawStyle, LegendDisplayMode, LegendPlacement } from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { fullName, type MetricName } from '../../src/exporter/metrics/names.js';

/** The dashboard's own variable, never `__inputs`: that breaks under file provisioning. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
export const datasource = { type: 'prometheus', uid: '${datasource}' };

/** What a panel without data says. */
export const NO_AUDIT = 'No audit yet';

/** An empty dashboard with the data source as its first variable, and links to the others. */
export function dashboard(uid: string, title: string, description: string): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .id(null)
    .description(description)
    .tags(['activation-auditor'])
    .timezone('browser')
    .refresh('1m')
    .time({ from: 'now-7d', to: 'now' })
    .readonly()
    .link(
      new DashboardLinkBuilder('Activation auditor')
        .type(DashboardLinkType.Dashboards)
        .tags(['activation-auditor'])
        .keepTime(true)
        .includeVars(true),
    )
    .withVariable(
      new DatasourceVariableBuilder('datasource')
        .label('Data source')
        .type('prometheus')
        .current({ text: 'default', value: 'default' }),
    );
}

/** A variable that lists the values of a label. */
export function variable(
  name: string,
  label: string,
  metric: MetricName,
  { matchers = '', many = false, start = null as string | null } = {},
): QueryVariableBuilder {
  const query = `label_values(${fullName(metric)}${matchers === '' ? '' : `{${matchers}}`}, ${name})`;
  const built = new QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: name, qryType: 1 })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(many)
    .includeAll(many);
  if (many && start === null) built.allValue('.*').current({ text: 'All', value: '$__all' });
  else if (many) built.allValue('.*').current({ text: [start!], value: [start!] });
  return built;
}

/** A query over the time range. */
export function over(expr: string, legend: string, refId = 'A'): DataqueryBuilder {
  return new DataqueryBuilder().refId(refId).expr(expr).legendFormat(legend).range().datasource(datasource);
}

/** A query for now. */
export function now(expr: string, legend = '', refId = 'A'): DataqueryBuilder {
  return new DataqueryBuilder().refId(refId).expr(expr).legendFormat(legend).instant().datasource(datasource);
}

/** A query for now, as rows of a table. */
export function rows(expr: string, refId: string): DataqueryBuilder {
  return now(expr, '', refId).format(PromQueryFormat.Table);
}

/** Cumulative buckets as Grafana's heatmaps and bars want them. */
export function histogram(query: DataqueryBuilder): DataqueryBuilder {
  return query.format(PromQueryFormat.Heatmap).legendFormat('{{le}}');
}

/** Colours from the steps on: green below the first. */
export function steps(...limits: [value: number, color: string][]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: 'green' }, ...limits.map(([value, color]) => ({ value, color }))]);
}

/** Dead ratios: as the alerts are. */
export const deadSteps = steps([0.05, 'yellow'], [0.2, 'red']);

interface About {
  title: string;
  description: string;
  unit: string;
  /** In 24ths. */
  width: number;
  height?: number;
}

/** One number. */
export function number({ title, description, unit, width, height = 4 }: About, query: Builder<Dataquery>) {
  return new stat.PanelBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(datasource)
    .span(width)
    .height(height)
    .noValue(NO_AUDIT)
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(query);
}

/** Lines over time. Audits are rare: points are shown, and gaps are bridged. */
export function lines(
  { title, description, unit, width, height = 8 }: About,
  ...queries: Builder<Dataquery>[]
) {
  return new timeseries.PanelBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(datasource)
    .span(width)
    .height(height)
    .noValue(NO_AUDIT)
    .drawStyle(GraphDrawStyle.Line)
    .lineInterpolation(common.LineInterpolation.StepAfter)
    .spanNulls(true)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Right)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    )
    .targets(queries);
}
