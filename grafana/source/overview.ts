import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  AUDITOR,
  addressOf,
  annotations,
  dashboard,
  MODEL_OF_CELL,
  MODEL_OF_SERIES,
  modelVariable,
  pageLink,
} from './dashboard.js';
import {
  ageColumn,
  ageSteps,
  deadSteps,
  deadTextColumn,
  empty,
  faultSteps,
  linkColumn,
  ratioColumn,
  severityColumn,
  verdictColumn,
} from './looks.js';
import {
  capacityLines,
  deadLines,
  lines,
  now,
  number,
  over,
  refIdOf,
  seriesBars,
  sortedBy,
  tablePanel,
  withoutTimes,
} from './panels.js';
import { LAST_AUDIT, metric, modelDeadRatio, ofMlp, ofSource, riseOf, SINCE_LAST_AUDIT } from './queries.js';

/**
 * Counts the models. Times 0 it is the 0 of a count that finds nothing, and is no data where there is no
 * model.
 */
const MODELS = `count(count by (model) (${metric('audits_total')}))`;

/** All models: which audits and gates fail, dead ratio now and a week ago, age. */
export const overview = dashboard('overview', 'Health of the neurons of all audited models.')
  .annotations(annotations)
  .withVariable(modelVariable('Model', 'audits_total', true))
  .withRow(new RowBuilder('Now'))
  .withPanel(
    number(
      {
        title: 'Models',
        description: 'Models in the folder of the exporter, or pushed by batch runs, now.',
        unit: 'none',
        width: 4,
      },
      now(MODELS),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Failing audits',
        description: 'Models whose last audit could not be done; the table says which.',
        unit: 'none',
        width: 4,
      },
      now(`count(${LAST_AUDIT} == 0) or 0 * ${MODELS}`),
    ).thresholds(faultSteps),
  )
  .withPanel(
    number(
      {
        title: 'Failing gates',
        description: 'Models of which at least one gate rule failed in the last audit; the table says which.',
        unit: 'none',
        width: 4,
      },
      now(`count(count by (model) (${metric('gate_status')} == 0)) or 0 * ${MODELS}`),
    ).thresholds(faultSteps),
  )
  .withPanel(
    number(
      {
        title: 'Worst model',
        description: 'The largest dead ratio of all models, by their last audits.',
        unit: 'percentunit',
        width: 4,
      },
      now(`max(${modelDeadRatio()})`),
    ).thresholds(deadSteps),
  )
  .withPanel(
    number(
      {
        title: 'Non-finite neurons',
        description:
          'Neurons of all models that gave NaN or infinite values in the last audit. Any is a fault.',
        unit: 'none',
        width: 4,
      },
      now(
        `sum(max by (model, stack, layer, site, part) (${metric('flagged_neurons', `${ofModelFlag('nonFinite')}`)}))`,
      ),
    ).thresholds(faultSteps),
  )
  .withPanel(
    number(
      {
        title: 'Audits waiting',
        description: 'Audits in the queues of all devices, now.',
        unit: 'none',
        width: 4,
      },
      now(`sum(${metric('queue_depth', ofSource)})`),
    ).noValue('No exporter'),
  )
  .withPanel(modelTable())
  .withPanel(alertTable())
  .withRow(new RowBuilder('Over time'))
  .withPanel(
    deadLines(
      {
        title: 'Dead ratio',
        description:
          'Dead MLP neurons / MLP neurons of each model, by the audit that was the last one at the time.',
        width: 12,
      },
      over(modelDeadRatio(), '{{model}}'),
    ).dataLinks([pageLink(MODEL_OF_SERIES)]),
  )
  .withPanel(
    capacityLines(
      {
        title: 'Capacity',
        description:
          'Active parameters / parameters by the audit that was the last one at the time: those neither attached to a dead neuron nor pruned.',
        width: 12,
      },
      over(`max by (model) (${metric('capacity_ratio')})`, '{{model}}'),
    ),
  )
  .withPanel(
    seriesBars(
      {
        title: 'Since the last audit',
        description:
          'Time since the last successful audit of each model; the alert ActivationAuditStale fires above a day.',
        unit: 's',
        width: 12,
      },
      now(SINCE_LAST_AUDIT, '{{model}}'),
    ).thresholds(ageSteps),
  )
  .withPanel(
    lines(
      {
        title: 'Audits',
        description: 'Audits that ended in the hour before, by result.',
        unit: 'none',
        width: 12,
      },
      over(`sum by (result) (${riseOf(metric('audits_total'), '1h')})`, '{{result}}'),
    ),
  );

function ofModelFlag(flag: string): string {
  return `${ofSource}, model=~"$model", flag="${flag}"`;
}

/** A row for each model. Each column is a query of its own; they are joined by the model. */
function modelTable() {
  const columns = {
    'Last audit': LAST_AUDIT,
    Gate: `min by (model) (${metric('gate_status')})`,
    'Dead ratio': modelDeadRatio(),
    'Worst layer': `max by (model) (${metric('dead_ratio', ofMlp)})`,
    'A week ago': modelDeadRatio('1w'),
    Change: `(${modelDeadRatio()}) - (${modelDeadRatio('1w')})`,
    Capacity: `max by (model) (${metric('capacity_ratio')})`,
    Age: SINCE_LAST_AUDIT,
  };
  const names = Object.keys(columns);
  return tablePanel(
    {
      title: 'All models',
      description:
        'The last audit of each model: whether it succeeded, verdict of the gate, dead ratio now and a week ago, capacity, and age of the last success. Failing audits first, then by dead ratio. Empty cells: no such audit.',
      width: 24,
      height: 11,
    },
    Object.values(columns),
  )
    .sortBy([sortedBy('Last audit', false), sortedBy('Dead ratio', true)])
    .transformations([
      { id: 'joinByField', options: { byField: 'model', mode: 'outer' } },
      {
        id: 'organize',
        options: {
          excludeByName: withoutTimes(names.length),
          renameByName: {
            model: 'Model',
            ...Object.fromEntries(names.map((name, i) => [`Value #${refIdOf(i)}`, name])),
          },
        },
      },
    ])
    .overrideByName('Model', [
      { id: 'custom.minWidth', value: 260 },
      linkColumn('Open the model', addressOf('model', `var-model=${MODEL_OF_CELL}`)),
    ])
    .overrideByName('Last audit', [
      ...verdictColumn('✗ failed', '✓ done'),
      linkColumn("Open the auditor's page", `${AUDITOR}/models/\${__data.fields.Model:percentencode}`),
    ])
    .overrideByName('Gate', [...verdictColumn('✗ failed', '✓ passed'), empty('no rules')])
    .overrideByName('Dead ratio', deadTextColumn)
    .overrideByName('Worst layer', deadTextColumn)
    .overrideByName('A week ago', ratioColumn)
    .overrideByName('Change', ratioColumn)
    .overrideByName('Capacity', ratioColumn)
    .overrideByName('Age', ageColumn);
}

/**
 * The alerts that fire, with links to the runbook. They come from Prometheus itself, so that no other data
 * source is needed.
 */
function alertTable() {
  return tablePanel(
    {
      title: 'Alerts',
      description:
        'Alerts of the auditor that fire now. The name opens the runbook: what it means and what to do.',
      width: 24,
      height: 7,
    },
    ['ALERTS{alertname=~"ActivationAudit.*", alertstate="firing"}'],
  )
    .noValue('No alert fires')
    .transformations([
      {
        id: 'organize',
        options: {
          includeByName: {
            alertname: true,
            severity: true,
            model: true,
            layer: true,
            site: true,
            rule: true,
            device: true,
          },
          indexByName: { severity: 0, alertname: 1, model: 2, layer: 3, site: 4, rule: 5, device: 6 },
          renameByName: {
            alertname: 'Alert',
            severity: 'Severity',
            model: 'Model',
            layer: 'Layer',
            site: 'Site',
            rule: 'Rule',
            device: 'Device',
          },
        },
      },
    ])
    .overrideByRegexp('^(Layer|Site|Rule|Device)$', [empty('–')])
    .overrideByName('Severity', severityColumn)
    .overrideByName('Alert', [
      { id: 'custom.minWidth', value: 240 },
      linkColumn('Open the runbook', `${AUDITOR}/runbook#\${__value.raw:lowercase}`),
    ])
    .overrideByName('Model', [
      empty('–'),
      linkColumn('Open the model', addressOf('model', `var-model=${MODEL_OF_CELL}`)),
    ]);
}
