import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import { fullName, METRIC_NAMES, METRICS, PREFIX } from '../../src/exporter/metrics/names.js';

/** Lists the panels of a dashboard, those in closed rows, too. */
export function panelsOf(dashboard: Dashboard): Panel[] {
  return dashboard.panels!.flatMap((panel) =>
    panel.type === 'row' ? ((panel as RowPanel).panels as Panel[]) : [panel as Panel],
  );
}

/** Lists every PromQL expression of the panels, of the annotations and, as series, of the variables. */
export function expressionsOf(dashboard: Dashboard): string[] {
  const queries = panelsOf(dashboard).flatMap(({ targets }) => targets as unknown as { expr: string }[]);
  const variables = dashboard.templating!.list!.map(({ definition }) => definition).filter(Boolean);
  const annotations = dashboard.annotations!.list!.map(({ expr }) => expr!);
  const series = variables.map((text) => /^label_values\((.*), \w+\)$/.exec(text!)![1]!);
  return [...queries.map(({ expr }) => expr), ...annotations, ...series];
}

/** Metrics that an expression names, a histogram's series by the histogram's name. */
export function metricNames(expression: string): string[] {
  const histograms = METRIC_NAMES.filter((name) => METRICS[name].type === 'histogram').map(fullName);
  const words = expression.match(new RegExp(`\\b${PREFIX}\\w+`, 'g')) ?? [];
  return words.map((word) => histograms.find((name) => word.startsWith(`${name}_`)) ?? word);
}

/** The expression with Grafana's variables filled in. */
export function filledIn(expression: string): string {
  return expression
    .replaceAll('$__rate_interval', '30s')
    .replace(/"\$(job|instance|model|site|layer)"/g, '".*"');
}
