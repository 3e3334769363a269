import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as xychart from '@grafana/grafana-foundation-sdk/xychart';
import {
  annotations,
  checkpointAnnotation,
  dashboard,
  MODEL_OF_PAGE,
  modelVariable,
  pageLink,
} from './dashboard.js';
import { deadSteps, LEAST_TOP, plainSteps, verdicts } from './looks.js';
import { capacityLines, deadLines, framed, lines, now, number, over } from './panels.js';
import { LAST_AUDIT, metric, modelDeadRatio, ofMlp } from './queries.js';

/** Checkpoint by checkpoint: files to which `--checkpoints` gives one name. */
export const training = dashboard(
  'training',
  "A training run, checkpoint by checkpoint. Where checkpoints come faster than scrapes, the auditor's page has them all.",
)
  .annotations([...annotations, checkpointAnnotation])
  .withVariable(modelVariable('Run', 'checkpoint_step'))
  .withRow(new RowBuilder('Now'))
  .withPanel(
    number(
      {
        title: 'Step',
        description: 'Training step of the checkpoint audited last.',
        unit: 'none',
        width: 5,
      },
      now(`max by (model) (${metric('checkpoint_step')})`),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Last audit',
        description: 'Whether the last audit of a checkpoint could be done.',
        unit: 'none',
        width: 4,
      },
      now(LAST_AUDIT),
    )
      .mappings(verdicts('✗ failed', '✓ done'))
      .links([pageLink(MODEL_OF_PAGE)]),
  )
  .withPanel(
    number(
      {
        title: 'Dead ratio',
        description: 'Dead MLP neurons / MLP neurons of the checkpoint audited last.',
        unit: 'percentunit',
        width: 5,
      },
      now(modelDeadRatio()),
    ).thresholds(deadSteps),
  )
  .withPanel(
    number(
      {
        title: 'Newly dead',
        description: 'MLP neurons that died from the checkpoint before to the one audited last.',
        unit: 'none',
        width: 5,
      },
      now(`sum by (model) (${metric('newly_dead_neurons', ofMlp)})`),
    ).noValue('One audit only'),
  )
  .withPanel(
    number(
      {
        title: 'Revived',
        description: 'MLP neurons that came to life from the checkpoint before to the one audited last.',
        unit: 'none',
        width: 5,
      },
      now(`sum by (model) (${metric('revived_neurons', ofMlp)})`),
    ).noValue('One audit only'),
  )
  .withRow(new RowBuilder('Over steps and time'))
  .withPanel(byStep())
  .withPanel(
    deadLines(
      {
        title: 'Dead ratio of each layer',
        description:
          'Dead MLP neurons / MLP neurons of each layer, by the checkpoint that was the last one at the time.',
        width: 12,
        height: 9,
      },
      over(
        `max by (stack, layer, part) (${metric('dead_ratio', ofMlp)})`,
        '{{stack}} layer {{layer}} {{part}}',
      ),
    ).dataLinks([pageLink(MODEL_OF_PAGE)]),
  )
  .withPanel(
    lines(
      {
        title: 'Training step',
        description: 'Step of the checkpoint that was the last one at the time.',
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
        description: 'MLP neurons that died or came to life from one checkpoint to the next.',
        unit: 'none',
        width: 8,
      },
      over(`sum by (model) (${metric('newly_dead_neurons', ofMlp)})`, 'newly dead'),
      over(`sum by (model) (${metric('revived_neurons', ofMlp)})`, 'revived', 'B'),
    ).min(0),
  )
  .withPanel(
    capacityLines(
      {
        title: 'Capacity',
        description: 'Active parameters / parameters, by the checkpoint that was the last one at the time.',
        width: 8,
      },
      over(`max by (model) (${metric('capacity_ratio')})`, '{{model}}'),
    ),
  )
  .withPanel(gates());

/** Points at (step, dead ratio), one for each scrape. */
function byStep() {
  return framed(new xychart.PanelBuilder(), {
    title: 'Dead ratio by training step',
    description:
      'Each point is a scrape in the time range: the dead ratio of the checkpoint that was the last one against its step.',
    unit: 'percentunit',
    width: 12,
    height: 9,
  })
    .thresholds(plainSteps)
    .min(0)
    .axisSoftMax(LEAST_TOP.percentunit)
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
  return framed(new statetimeline.PanelBuilder(), {
    title: 'Gate rules',
    description: 'Verdict of each gate rule over time, by the audit that was the last one.',
    unit: 'none',
    width: 24,
    height: 6,
  })
    .noValue('No gate rules')
    .mappings(verdicts('✗ failed', '✓ passed'))
    .withTarget(over(`min by (rule) (${metric('gate_status')})`, '{{rule}}'));
}
