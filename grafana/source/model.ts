import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import {
  BarGaugeDisplayMode,
  ReduceDataOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as trend from '@grafana/grafana-foundation-sdk/trend';
import {
  dashboard,
  datasource,
  deadSteps,
  histogram,
  lines,
  NO_AUDIT,
  now,
  number,
  over,
  rows,
  steps,
  variable,
} from './parts.js';
import { buckets, metric, modelDeadRatio, ofModel, ofSite } from './queries.js';

const place = '{{stack}} {{layer}} {{site}} {{part}}';
const bySite = 'sum by (stack, layer, site, part)';

/** One model: layer by layer, frequencies, values, what changed. */
export const model = dashboard(
  'activation-auditor-model',
  'Activation auditor / Model',
  'Health of the neurons of one model, layer by layer.',
)
  .withVariable(variable('model', 'Model', 'audits_total'))
  .withVariable(variable('site', 'Site', 'neurons', { matchers: ofModel, many: true, start: 'mlp_post' }))
  .withVariable(variable('layer', 'Layer', 'neurons', { matchers: ofModel, many: true }))
  .withRow(new RowBuilder('Now'))
  .withPanel(
    number(
      {
        title: 'Dead ratio',
        description: 'Dead MLP neurons / MLP neurons of the model.',
        unit: 'percentunit',
        width: 4,
      },
      now(modelDeadRatio()),
    ).thresholds(deadSteps),
  )
  .withPanel(
    number(
      { title: 'Capacity', description: 'Active parameters / parameters.', unit: 'percentunit', width: 4 },
      now(`max by (model) (${metric('capacity_ratio')})`),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Failed gate rules',
        description: 'Gate rules that failed in the last audit; the table of the report says where.',
        unit: 'none',
        width: 4,
      },
      now(`count(${metric('gate_status')} == 0) or vector(0)`),
    ).thresholds(steps([1, 'red'])),
  )
  .withPanel(
    number(
      {
        title: 'Resolution',
        description:
          '3 / positions: a neuron silent over all positions fires less often than this with 95 % confidence. Empty for a census.',
        unit: 'percentunit',
        width: 4,
      },
      now(`max by (model) (${metric('resolution_ratio')})`),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Since the last audit',
        description: 'Time since the last successful audit.',
        unit: 's',
        width: 4,
      },
      now(`time() - max by (model) (${metric('last_success_timestamp_seconds')})`),
    ).thresholds(steps([43_200, 'yellow'], [86_400, 'red'])),
  )
  .withPanel(
    number(
      { title: 'Positions per second', description: 'Speed of the last audit.', unit: 'short', width: 4 },
      now(`max by (model) (${metric('positions_per_second')})`),
    ),
  )
  .withRow(new RowBuilder('Layers'))
  .withPanel(layerTrend())
  .withPanel(worstLayers())
  .withPanel(
    lines(
      {
        title: 'Dead ratio over time',
        description: 'Dead neurons / neurons at each site.',
        unit: 'percentunit',
        width: 24,
      },
      over(`max by (stack, layer, site, part) (${metric('dead_ratio', ofSite)})`, place),
    ).min(0),
  )
  .withRow(new RowBuilder('Activations'))
  .withPanel(
    bars(
      'Activation frequency',
      'Neurons by how often they fire (upper bound of each bar), over all audits of the selected sites. The first bar never fires.',
      now(`sum by (le) (${buckets('activation_frequency_ratio')})`),
    ),
  )
  .withPanel(
    bars(
      'Activation values',
      'Values by size (upper bound of each bar), over all audits of the selected sites.',
      now(`sum by (le) (${buckets('activation_value')})`),
    ),
  )
  .withPanel(
    heat(
      'Activation frequency over time',
      'Each audit that ends adds its neurons: a column shows how often they fired. Empty between audits.',
      over(`sum by (le) (increase(${buckets('activation_frequency_ratio')}[$__rate_interval]))`, '{{le}}'),
    ),
  )
  .withPanel(
    heat(
      'Activation values over time',
      'Each audit that ends adds its values: a column shows how they were distributed. Empty between audits.',
      over(`sum by (le) (increase(${buckets('activation_value')}[$__rate_interval]))`, '{{le}}'),
    ),
  )
  .withRow(new RowBuilder('Changes'))
  .withPanel(
    lines(
      {
        title: 'Newly dead and revived',
        description:
          'Neurons that died or came to life again since the audit before, e.g. after `audit strip`.',
        unit: 'none',
        width: 12,
      },
      over(`sum by (site) (${metric('newly_dead_neurons', ofSite)})`, 'newly dead {{site}}'),
      over(`sum by (site) (${metric('revived_neurons', ofSite)})`, 'revived {{site}}', 'B'),
    ).min(0),
  )
  .withPanel(
    lines(
      {
        title: 'Capacity over time',
        description:
          'Active parameters / parameters: rises when a strip revives neurons, falls with what it prunes.',
        unit: 'percentunit',
        width: 12,
      },
      over(`max by (model) (${metric('capacity_ratio')})`, '{{model}}'),
    ).max(1),
  )
  .withRow(new RowBuilder('Signs of illness'))
  .withPanel(
    lines(
      {
        title: 'Flagged neurons',
        description:
          'Neurons that are silent, never positive, dormant, constant or saturated, at the selected sites.',
        unit: 'none',
        width: 12,
      },
      over(`sum by (flag) (${metric('flagged_neurons', ofSite)})`, '{{flag}}'),
    ).min(0),
  )
  .withPanel(
    lines(
      {
        title: 'Non-finite values',
        description: 'NaN and infinite activations seen in each hour. Any is a fault.',
        unit: 'none',
        width: 12,
      },
      over(`${bySite} (increase(${metric('non_finite_values_total', ofSite)}[1h]))`, place),
    ).min(0),
  )
  .withPanel(
    lines(
      {
        title: 'Dirichlet energy',
        description:
          'Over-smoothing of graph models: falls to 0 as all nodes become the same. Empty for other models.',
        unit: 'none',
        width: 8,
      },
      over(`max by (stack, layer, site, part) (${metric('dirichlet_energy')})`, place),
    )
      .min(0)
      .noValue('Graph models only'),
  )
  .withPanel(
    lines(
      {
        title: 'Distance to the mean',
        description:
          'Norm of the node features less their mean row. Empty for other models than graph models.',
        unit: 'none',
        width: 8,
      },
      over(`max by (stack, layer, site, part) (${metric('distance_to_mean')})`, place),
    )
      .min(0)
      .noValue('Graph models only'),
  )
  .withPanel(
    lines(
      {
        title: 'Effective rank',
        description:
          'Effective rank of the node features of graph models: follows accuracy better than the energy does.',
        unit: 'none',
        width: 8,
      },
      over(`max by (stack, layer, site, part) (${metric('effective_rank')})`, place),
    )
      .min(0)
      .noValue('Graph models only'),
  );

/** The dead ratio as a line over layers: numbers on the horizontal axis, a line per site. */
function layerTrend() {
  const sites = ['mlp_post', 'mlp_pre', 'attn_out'];
  const ids = ['A', 'B', 'C'];
  return new trend.PanelBuilder()
    .title('Dead ratio by layer')
    .description('The last audit, layer by layer; of several stacks or parts the worst.')
    .unit('percentunit')
    .datasource(datasource)
    .span(12)
    .height(9)
    .noValue(NO_AUDIT)
    .min(0)
    .xField('layer')
    .targets(
      sites.map((site, i) =>
        rows(`max by (layer) (${metric('dead_ratio', `${ofModel}, site="${site}"`)})`, ids[i]!),
      ),
    )
    .transformations([
      { id: 'joinByField', options: { byField: 'layer', mode: 'outer' } },
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true, 'Time 1': true, 'Time 2': true, 'Time 3': true },
          renameByName: Object.fromEntries(ids.map((id, i) => [`Value #${id}`, sites[i]!])),
        },
      },
      {
        id: 'convertFieldType',
        options: { conversions: [{ targetField: 'layer', destinationType: 'number' }] },
      },
      { id: 'sortBy', options: { sort: [{ field: 'layer' }] } },
    ]);
}

function worstLayers() {
  return new table.PanelBuilder()
    .title('Worst layers')
    .description('The ten sites with the largest dead ratio among those selected.')
    .unit('percentunit')
    .datasource(datasource)
    .span(12)
    .height(9)
    .noValue(NO_AUDIT)
    .withTarget(rows(`topk(10, max by (stack, layer, site, part) (${metric('dead_ratio', ofSite)}))`, 'A'))
    .transformations([
      { id: 'organize', options: { excludeByName: { Time: true }, renameByName: { Value: 'dead ratio' } } },
      { id: 'sortBy', options: { sort: [{ field: 'dead ratio', desc: true }] } },
    ])
    .overrideByName('dead ratio', [
      { id: 'thresholds', value: deadSteps.build() },
      { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic' } },
    ]);
}

function bars(title: string, description: string, query: Parameters<typeof histogram>[0]) {
  return new bargauge.PanelBuilder()
    .title(title)
    .description(description)
    .unit('short')
    .datasource(datasource)
    .span(12)
    .height(8)
    .noValue(NO_AUDIT)
    .orientation(VizOrientation.Vertical)
    .displayMode(BarGaugeDisplayMode.Basic)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .min(0)
    .withTarget(histogram(query));
}

function heat(title: string, description: string, query: Parameters<typeof histogram>[0]) {
  return new heatmap.PanelBuilder()
    .title(title)
    .description(description)
    .unit('short')
    .datasource(datasource)
    .span(12)
    .height(8)
    .noValue(NO_AUDIT)
    .calculate(false)
    .withTarget(histogram(query));
}
