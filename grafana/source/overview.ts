import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import {
  BarGaugeDisplayMode,
  ReduceDataOptionsBuilder,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { MappingType, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import * as table from '@grafana/grafana-foundation-sdk/table';
import {
  dashboard,
  datasource,
  deadSteps,
  lines,
  NO_AUDIT,
  now,
  number,
  over,
  rows,
  steps,
  variable,
} from './parts.js';
import { metric, modelDeadRatio } from './queries.js';

/** All models: dead ratio now and against a week ago, gate status, staleness. */
export const overview = dashboard(
  'activation-auditor-overview',
  'Activation auditor / Overview',
  'Health of the neurons of all audited models.',
)
  .withVariable(variable('model', 'Model', 'audits_total', { many: true }))
  .withRow(new RowBuilder('Now'))
  .withPanel(
    number(
      {
        title: 'Models',
        description: 'Models in the folder of the exporter, or pushed by batch runs.',
        unit: 'none',
        width: 4,
      },
      now(`count(count by (model) (${metric('audits_total')}))`),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Failing gates',
        description: 'Models of which at least one gate rule failed in the last audit.',
        unit: 'none',
        width: 5,
      },
      now(`count(count by (model) (${metric('gate_status')} == 0)) or vector(0)`),
    ).thresholds(steps([1, 'red'])),
  )
  .withPanel(
    number(
      {
        title: 'Failing audits',
        description: 'Models whose last audit could not be done.',
        unit: 'none',
        width: 5,
      },
      now(`count(${metric('last_audit_success')} == 0) or vector(0)`),
    ).thresholds(steps([1, 'red'])),
  )
  .withPanel(
    number(
      {
        title: 'Worst model',
        description: 'The largest dead ratio of all models.',
        unit: 'percentunit',
        width: 5,
      },
      now(`max(${modelDeadRatio()})`),
    ).thresholds(deadSteps),
  )
  .withPanel(
    number(
      {
        title: 'Audits waiting',
        description: 'Audits in the queues of all devices.',
        unit: 'none',
        width: 5,
      },
      now(`sum(${metric('queue_depth', '')}) or vector(0)`),
    ),
  )
  .withPanel(modelTable())
  .withRow(new RowBuilder('Course'))
  .withPanel(
    lines(
      {
        title: 'Dead ratio',
        description: 'Dead MLP neurons / MLP neurons of each model.',
        unit: 'percentunit',
        width: 12,
      },
      over(modelDeadRatio(), '{{model}}'),
    ).min(0),
  )
  .withPanel(
    lines(
      {
        title: 'Capacity',
        description: 'Active parameters / parameters: those neither attached to a dead neuron nor pruned.',
        unit: 'percentunit',
        width: 12,
      },
      over(`max by (model) (${metric('capacity_ratio')})`, '{{model}}'),
    ).max(1),
  )
  .withPanel(staleness())
  .withPanel(
    lines(
      {
        title: 'Audits',
        description: 'Audits that ended in each hour, by result.',
        unit: 'none',
        width: 12,
      },
      over(`sum by (result) (increase(${metric('audits_total')}[1h]))`, '{{result}}'),
    ),
  );

/** A row per model; the columns come from queries of their own, joined by the model. */
function modelTable() {
  const columns = ['Dead ratio', 'A week ago', 'Change', 'Gate', 'Capacity', 'Last audit'];
  const queries = [
    modelDeadRatio(),
    modelDeadRatio('model', '1w'),
    `(${modelDeadRatio()}) - (${modelDeadRatio('model', '1w')})`,
    `min by (model) (${metric('gate_status')})`,
    `max by (model) (${metric('capacity_ratio')})`,
    `time() - max by (model) (${metric('last_success_timestamp_seconds')})`,
  ];
  const ids = queries.map((_, i) => String.fromCharCode(65 + i));
  const ratio = [
    { id: 'unit', value: 'percentunit' },
    { id: 'decimals', value: 2 },
  ];
  return new table.PanelBuilder()
    .title('Models')
    .description(
      'Dead ratio now and a week ago, verdict of the gate, capacity, and age of the last audit. Empty cells: no such audit.',
    )
    .unit('none')
    .datasource(datasource)
    .span(24)
    .height(9)
    .noValue(NO_AUDIT)
    .targets(queries.map((query, i) => rows(query, ids[i]!)))
    .transformations([
      { id: 'joinByField', options: { byField: 'model', mode: 'outer' } },
      {
        id: 'organize',
        options: {
          excludeByName: Object.fromEntries(
            ['Time', ...ids.map((_, i) => `Time ${i + 1}`)].map((name) => [name, true]),
          ),
          renameByName: {
            model: 'Model',
            ...Object.fromEntries(ids.map((id, i) => [`Value #${id}`, columns[i]!])),
          },
        },
      },
    ])
    .overrideByName('Dead ratio', [
      ...ratio,
      { id: 'thresholds', value: deadSteps.build() },
      { id: 'custom.cellOptions', value: { type: 'color-text' } },
    ])
    .overrideByName('A week ago', ratio)
    .overrideByName('Change', ratio)
    .overrideByName('Capacity', ratio)
    .overrideByName('Last audit', [{ id: 'unit', value: 's' }])
    .overrideByName('Gate', [
      {
        id: 'mappings',
        value: [
          {
            type: MappingType.ValueToText,
            options: { '0': { text: '✗ failed', color: 'red' }, '1': { text: '✓ passed', color: 'green' } },
          },
        ],
      },
      { id: 'custom.cellOptions', value: { type: 'color-text' } },
    ])
    .overrideByName('Model', [
      {
        id: 'links',
        value: [
          {
            title: 'Open the model',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variables
            url: '/d/activation-auditor-model?var-model=${__value.raw:percentencode}&${datasource:queryparam}&${__url_time_range}',
          },
        ],
      },
    ]);
}

function staleness() {
  return new bargauge.PanelBuilder()
    .title('Since the last audit')
    .description(
      'Time since the last successful audit of each model; the alert ActivationAuditStale fires above a day.',
    )
    .unit('s')
    .datasource(datasource)
    .span(12)
    .height(8)
    .noValue(NO_AUDIT)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .min(0)
    .thresholds(steps([43_200, 'yellow'], [86_400, 'red']))
    .withTarget(now(`time() - max by (model) (${metric('last_success_timestamp_seconds')})`, '{{model}}'));
}
