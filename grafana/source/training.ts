import { MappingType, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as xychart from '@grafana/grafana-foundation-sdk/xychart';
import { dashboard, datasource, deadSteps, lines, NO_AUDIT, now, number, over, variable } from './parts.js';
import { metric, modelDeadRatio, ofMlp } from './queries.js';

/** Checkpoint by checkpoint: files that `--checkpoints` gives one name. */
export const training = dashboard(
  'activation-auditor-training',
  'Activation auditor / Training run',
  'A training run, checkpoint by checkpoint. Where checkpoints come faster than scrapes, the page of the exporter has them all.',
)
  .withVariable(variable('model', 'Run', 'checkpoint_step'))
  .withRow(new RowBuilder('Now'))
  .withPanel(
    number(
      { title: 'Step', description: 'Training step of the checkpoint audited last.', unit: 'none', width: 6 },
      now(`max by (model) (${metric('checkpoint_step')})`),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Dead ratio',
        description: 'Dead MLP neurons / MLP neurons at that step.',
        unit: 'percentunit',
        width: 6,
      },
      now(modelDeadRatio()),
    ).thresholds(deadSteps),
  )
  .withPanel(
    number(
      {
        title: 'Newly dead',
        description: 'Neurons that died since the checkpoint before.',
        unit: 'none',
        width: 6,
      },
      now(`sum by (model) (${metric('newly_dead_neurons', ofMlp)})`),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Revived',
        description: 'Neurons that came to life since the checkpoint before.',
        unit: 'none',
        width: 6,
      },
      now(`sum by (model) (${metric('revived_neurons', ofMlp)})`),
    ),
  )
  .withRow(new RowBuilder('Course'))
  .withPanel(byStep())
  .withPanel(
    lines(
      {
        title: 'Dead ratio of each layer',
        description: 'MLP neurons, over time.',
        unit: 'percentunit',
        width: 12,
        height: 9,
      },
      over(`max by (stack, layer, part) (${metric('dead_ratio', ofMlp)})`, '{{stack}} {{layer}} {{part}}'),
    ).min(0),
  )
  .withPanel(
    lines(
      {
        title: 'Training step',
        description: 'Step of the checkpoint audited last, over time.',
        unit: 'none',
        width: 8,
      },
      over(`max by (model) (${metric('checkpoint_step')})`, '{{model}}'),
    ),
  )
  .withPanel(
    lines(
      {
        title: 'Newly dead and revived',
        description: 'MLP neurons that died or came to life since the checkpoint before.',
        unit: 'none',
        width: 8,
      },
      over(`sum by (model) (${metric('newly_dead_neurons', ofMlp)})`, 'newly dead'),
      over(`sum by (model) (${metric('revived_neurons', ofMlp)})`, 'revived', 'B'),
    ).min(0),
  )
  .withPanel(
    lines(
      { title: 'Capacity', description: 'Active parameters / parameters.', unit: 'percentunit', width: 8 },
      over(`max by (model) (${metric('capacity_ratio')})`, '{{model}}'),
    ).max(1),
  )
  .withPanel(gates());

/** Points at (step, dead ratio), one per scrape. */
function byStep() {
  return new xychart.PanelBuilder()
    .title('Dead ratio by training step')
    .description('Each point is a scrape: the dead ratio of the checkpoint audited last against its step.')
    .unit('percentunit')
    .datasource(datasource)
    .span(12)
    .height(9)
    .noValue(NO_AUDIT)
    .min(0)
    .mapping(xychart.SeriesMapping.Manual)
    .series([
      new xychart.XYSeriesConfigBuilder()
        .name({ fixed: 'dead ratio' })
        .x({ matcher: { id: 'byName', options: 'step' } })
        .y({ matcher: { id: 'byName', options: 'dead ratio' } }),
    ])
    .targets([
      over(`max by (model) (${metric('checkpoint_step')})`, 'step', 'A'),
      over(modelDeadRatio(), 'dead ratio', 'B'),
    ])
    .transformations([{ id: 'joinByField', options: { byField: 'Time', mode: 'inner' } }])
    .overrideByName('step', [{ id: 'unit', value: 'none' }]);
}

function gates() {
  return new statetimeline.PanelBuilder()
    .title('Gate rules')
    .description('Verdict of each gate rule over time.')
    .unit('none')
    .datasource(datasource)
    .span(24)
    .height(6)
    .noValue('No gate rules')
    .mappings([
      {
        type: MappingType.ValueToText,
        options: { '0': { text: '✗ failed', color: 'red' }, '1': { text: '✓ passed', color: 'green' } },
      },
    ])
    .withTarget(over(`min by (rule) (${metric('gate_status')})`, '{{rule}}'));
}
