import * as barchart from '@grafana/grafana-foundation-sdk/barchart';
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { datasource } from './dashboard.js';
import { blue, deadLimits, LEAST_TOP, NO_AUDIT, plainSteps } from './looks.js';

/** The words and the size of a panel. */
export interface Frame {
  title: string;
  /** What the numbers are, and of which audits or which time. */
  description: string;
  unit: string;
  /** Width in 24ths of the page. */
  width: number;
  height?: number;
}

/** Makes a query over the time range. */
export function over(expr: string, legend: string, refId = 'A'): DataqueryBuilder {
  return new DataqueryBuilder().refId(refId).expr(expr).legendFormat(legend).range().datasource(datasource);
}

/** Makes a query for the end of the time range. */
export function now(expr: string, legend = '', refId = 'A'): DataqueryBuilder {
  return new DataqueryBuilder().refId(refId).expr(expr).legendFormat(legend).instant().datasource(datasource);
}

/** Makes queries for the end of the time range as rows of a table: `A`, `B`, … in order. */
export function rows(exprs: readonly string[]): DataqueryBuilder[] {
  return exprs.map((expr, i) => now(expr, '', refIdOf(i)).format(PromQueryFormat.Table));
}

export function refIdOf(index: number): string {
  return String.fromCharCode(65 + index);
}

/** Makes a panel of one number. It has the colour of text unless `thresholds` says otherwise. */
export function number({ height = 4, ...frame }: Frame, query: Builder<Dataquery>) {
  return framed(new stat.PanelBuilder(), { height, ...frame })
    .thresholds(plainSteps)
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .withTarget(query);
}

/**
 * Makes lines over time. Audits are rare, so gaps are bridged. The legend is in the order of the names, in
 * which layer 2 comes before layer 10 and no NaN is buried.
 */
export function lines({ height = 8, ...frame }: Frame, ...queries: Builder<Dataquery>[]) {
  const leastTop = LEAST_TOP[frame.unit as keyof typeof LEAST_TOP];
  const built = framed(new timeseries.PanelBuilder(), { height, ...frame })
    .thresholds(plainSteps)
    .drawStyle(common.GraphDrawStyle.Line)
    .lineInterpolation(common.LineInterpolation.StepAfter)
    .spanNulls(true)
    .axisSoftMin(0)
    .legend(legend().sortBy('Name').sortDesc(false))
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    )
    .targets(queries);
  return leastTop === undefined ? built : built.axisSoftMax(leastTop);
}

/** Makes lines of capacities, which lie near 1: an axis from 0 on would show one flat line. */
export function capacityLines(frame: Omit<Frame, 'unit'>, ...queries: Builder<Dataquery>[]) {
  return lines({ ...frame, unit: 'percentunit' }, ...queries)
    .axisSoftMin(0.9)
    .max(1);
}

/** Makes lines of dead ratios, with the limits of the alerts as dashed lines. */
export function deadLines(frame: Omit<Frame, 'unit'>, ...queries: Builder<Dataquery>[]) {
  return lines({ ...frame, unit: 'percentunit' }, ...queries)
    .min(0)
    .thresholds(deadLimits)
    .thresholdsStyle(dashed());
}

function dashed() {
  return new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed);
}

function legend() {
  return new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.Table)
    .placement(common.LegendPlacement.Right)
    .showLegend(true)
    .calcs(['lastNotNull', 'max']);
}

/**
 * Makes bars over layers, one colour for each site. Layers sort as numbers and are shown as words, so that no
 * unit of the values is applied to them.
 *
 * @param series Queries by their names; each gives one value for each `layer`.
 */
export function layerBars({ height = 9, ...frame }: Omit<Frame, 'unit'>, series: Record<string, string>) {
  const names = Object.keys(series);
  const as = (destinationType: string) => ({
    id: 'convertFieldType',
    options: { conversions: [{ targetField: 'layer', destinationType }] },
  });
  return framed(new barchart.PanelBuilder(), { height, unit: 'percentunit', ...frame })
    .thresholds(deadLimits)
    .thresholdsStyle(dashed())
    .min(0)
    .axisSoftMax(LEAST_TOP.percentunit)
    .xField('layer')
    .overrideByName('layer', [{ id: 'unit', value: 'string' }])
    .xTickLabelSpacing(40)
    .showValue(common.VisibilityMode.Never)
    .groupWidth(0.8)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
    .targets(rows(Object.values(series)))
    .transformations([
      { id: 'joinByField', options: { byField: 'layer', mode: 'outer' } },
      {
        id: 'organize',
        options: {
          excludeByName: withoutTimes(names.length),
          renameByName: Object.fromEntries(names.map((name, i) => [`Value #${refIdOf(i)}`, name])),
        },
      },
      as('number'),
      { id: 'sortBy', options: { sort: [{ field: 'layer' }] } },
      as('string'),
    ]);
}

/** Names of the columns of time in the join of so many tables. */
export function withoutTimes(tables: number): Record<string, boolean> {
  const names = ['Time', ...Array.from({ length: tables }, (_, i) => `Time ${i + 1}`)];
  return Object.fromEntries(names.map((name) => [name, true]));
}

/** Makes a table. Numbers have no unit and the colour of text unless an override gives a column its own. */
export function tablePanel({ height = 9, ...frame }: Omit<Frame, 'unit'>, exprs: readonly string[]) {
  return framed(new table.PanelBuilder(), { height, unit: 'string', ...frame })
    .thresholds(plainSteps)
    .targets(rows(exprs));
}

/** Names a column to sort a table by; the first that is named decides first. */
export function sortedBy(column: string, desc: boolean): common.TableSortByFieldStateBuilder {
  return new common.TableSortByFieldStateBuilder().displayName(column).desc(desc);
}

/** Text of a histogram's panel without data. */
const NO_HISTOGRAM = 'No histogram';

/** Makes vertical bars of a histogram's buckets, all in one colour: a large bucket is not a bad one. */
export function bucketBars({ height = 8, ...frame }: Omit<Frame, 'unit'>, query: DataqueryBuilder) {
  return framed(new bargauge.PanelBuilder(), { height, unit: 'short', ...frame })
    .thresholds(plainSteps)
    .colorScheme(blue)
    .orientation(common.VizOrientation.Vertical)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .min(0)
    .noValue(NO_HISTOGRAM)
    .withTarget(asBuckets(query));
}

/** Time of one column of a heatmap: audits are rare, and narrower columns are slivers that nobody sees. */
export const HEAT_INTERVAL = '6h';

/** Makes a heatmap over time of what audits added to a histogram. */
export function heat({ height = 8, ...frame }: Omit<Frame, 'unit'>, query: DataqueryBuilder) {
  return framed(new heatmap.PanelBuilder(), { height, unit: 'short', ...frame })
    .calculate(false)
    .noValue(NO_HISTOGRAM)
    .interval(HEAT_INTERVAL)
    .withTarget(asBuckets(query).interval(HEAT_INTERVAL));
}

/** Gives cumulative buckets as Grafana's heatmaps and bars want them. */
function asBuckets(query: DataqueryBuilder): DataqueryBuilder {
  return query.format(PromQueryFormat.Heatmap).legendFormat('{{le}}');
}

/** Makes horizontal bars, one for each series. */
export function seriesBars({ height = 8, ...frame }: Frame, query: DataqueryBuilder) {
  return framed(new bargauge.PanelBuilder(), { height, ...frame })
    .thresholds(plainSteps)
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .min(0)
    .withTarget(query);
}

interface Framed {
  title(text: string): this;
  description(text: string): this;
  unit(unit: string): this;
  datasource(source: typeof datasource): this;
  span(width: number): this;
  height(height: number): this;
  noValue(text: string): this;
}

/** Gives a panel its words, its size and the data source. */
export function framed<P extends Framed>(
  panel: P,
  { title, description, unit, width, height = 8 }: Frame,
): P {
  return panel
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(datasource)
    .span(width)
    .height(height)
    .noValue(NO_AUDIT);
}
