import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { annotations, dashboard, MODEL_OF_PAGE, modelVariable, pageLink, variable } from './dashboard.js';
import { ageSteps, deadBarColumn, deadSteps, faultSteps, verdicts, wordFor } from './looks.js';
import {
  bucketBars,
  capacityLines,
  deadLines,
  heat,
  layerBars,
  lines,
  now,
  number,
  over,
  sortedBy,
  tablePanel,
} from './panels.js';
import {
  buckets,
  FAILED_RULES,
  LAST_AUDIT,
  metric,
  modelDeadRatio,
  ofModel,
  ofSite,
  riseOf,
  SINCE_LAST_AUDIT,
  SITE_LABELS,
} from './queries.js';

/**
 * Legend of a site: `layer 2 mlp_post`, so that layers sort as numbers. Stack and part are empty in most
 * models.
 */
const SITE = '{{stack}} layer {{layer}} {{site}} {{part}}';
const LAST = 'by the last audit';
const AT_THE_TIME = 'by the audit that was the last one at the time';

/** One model: layer by layer, frequencies, values, changes. */
export const model = dashboard('model', 'Health of the neurons of one model, layer by layer.')
  .annotations(annotations)
  .withVariable(modelVariable('Model', 'audits_total'))
  .withVariable(variable('site', 'Site', 'neurons', { matchers: ofModel, many: true, start: 'mlp_post' }))
  .withVariable(variable('layer', 'Layer', 'neurons', { matchers: ofModel, many: true }))
  .withRow(new RowBuilder('Now'))
  .withPanel(
    number(
      {
        title: 'Last audit',
        description:
          "Whether the last audit could be done. If not, all other numbers are older; the auditor's page says why.",
        unit: 'none',
        width: 3,
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
        description: `Dead MLP neurons / MLP neurons of the model, ${LAST}.`,
        unit: 'percentunit',
        width: 3,
      },
      now(modelDeadRatio()),
    ).thresholds(deadSteps),
  )
  .withPanel(
    number(
      {
        title: 'Capacity',
        description: `Active parameters / parameters, ${LAST}.`,
        unit: 'percentunit',
        width: 3,
      },
      now(`max by (model) (${metric('capacity_ratio')})`),
    ),
  )
  .withPanel(
    number(
      {
        title: 'Failed rules',
        description: "Gate rules that failed in the last audit; the auditor's page says where.",
        unit: 'none',
        width: 3,
      },
      now(FAILED_RULES),
    )
      .thresholds(faultSteps)
      .noValue('No rules'),
  )
  .withPanel(
    number(
      {
        title: 'Non-finite',
        description: 'Neurons that gave NaN or infinite values in the last audit. Any is a fault.',
        unit: 'none',
        width: 3,
      },
      now(`sum(max by (${SITE_LABELS}) (${metric('flagged_neurons', `${ofModel}, flag="nonFinite"`)}))`),
    ).thresholds(faultSteps),
  )
  .withPanel(
    number(
      {
        title: 'Resolution',
        description:
          '3 / positions of the last audit: a neuron silent over all positions fires less often than this with 95 % confidence. A census saw all there are.',
        unit: 'percentunit',
        width: 3,
      },
      now(
        `max by (model) (${metric('resolution_ratio')}) or 0 * max by (model) (${metric('last_success_timestamp_seconds')})`,
      ),
    ).mappings(wordFor(0, 'Census')),
  )
  .withPanel(
    number(
      {
        title: 'Audit age',
        description: 'Time since the last successful audit.',
        unit: 's',
        width: 3,
      },
      now(SINCE_LAST_AUDIT),
    ).thresholds(ageSteps),
  )
  .withPanel(
    number(
      {
        title: 'Positions/s',
        description: 'Speed of the last successful audit.',
        unit: 'short',
        width: 3,
      },
      now(`max by (model) (${metric('positions_per_second')})`),
    ),
  )
  .withRow(new RowBuilder('Layers'))
  .withPanel(
    layerBars(
      {
        title: 'Dead ratio by layer',
        description: `Dead neurons / neurons of each layer, ${LAST}; of several stacks or parts the worst.`,
        width: 15,
      },
      Object.fromEntries(
        ['mlp_post', 'mlp_pre', 'attn_out'].map((site) => [
          site,
          `max by (layer) (${metric('dead_ratio', `${ofModel}, site="${site}"`)})`,
        ]),
      ),
    ),
  )
  .withPanel(worstSites())
  .withPanel(
    deadLines(
      {
        title: 'Dead ratio over time',
        description: `Dead neurons / neurons at each selected site, ${AT_THE_TIME}.`,
        width: 24,
      },
      over(`max by (${SITE_LABELS}) (${metric('dead_ratio', ofSite)})`, SITE),
    ).dataLinks([pageLink(MODEL_OF_PAGE)]),
  )
  .withRow(new RowBuilder('Activations'))
  .withPanel(
    bucketBars(
      {
        title: 'Activation frequency',
        description:
          'Neurons by how often they fire (upper bound of each bar), over all audits of the current file at the selected sites. The first bar never fires. Without histograms where `--series-limit` leaves them out.',
        width: 12,
      },
      now(`sum by (le) (${buckets('activation_frequency_ratio')})`),
    ),
  )
  .withPanel(
    bucketBars(
      {
        title: 'Activation values',
        description:
          'Values by size (upper bound of each bar), over all audits of the current file at the selected sites.',
        width: 12,
      },
      now(`sum by (le) (${buckets('activation_value')})`),
    ),
  )
  .withPanel(
    heat(
      {
        title: 'Activation frequency over time',
        description: 'How often the neurons fired in the audits of each six hours. Empty without an audit.',
        width: 12,
      },
      over(`sum by (le) (increase(${buckets('activation_frequency_ratio')}[$__rate_interval]))`, ''),
    ),
  )
  .withPanel(
    heat(
      {
        title: 'Activation values over time',
        description:
          'How the values were distributed in the audits of each six hours. Empty without an audit.',
        width: 12,
      },
      over(`sum by (le) (increase(${buckets('activation_value')}[$__rate_interval]))`, ''),
    ),
  )
  .withRow(new RowBuilder('Changes'))
  .withPanel(
    lines(
      {
        title: 'Newly dead and revived',
        description:
          'Neurons that died or came to life again from one audit to the next on the same data, e.g. after `audit strip`.',
        unit: 'none',
        width: 12,
      },
      over(`sum by (site) (${metric('newly_dead_neurons', ofSite)})`, 'newly dead {{site}}'),
      over(`sum by (site) (${metric('revived_neurons', ofSite)})`, 'revived {{site}}', 'B'),
    ).min(0),
  )
  .withPanel(
    capacityLines(
      {
        title: 'Capacity over time',
        description: `Active parameters / parameters, ${AT_THE_TIME}: rises when a strip revives neurons, falls with what it prunes.`,
        width: 12,
      },
      over(`max by (model) (${metric('capacity_ratio')})`, '{{model}}'),
    ),
  )
  .withRow(new RowBuilder('Signs of illness'))
  .withPanel(
    lines(
      {
        title: 'Flagged neurons',
        description: `Neurons of the selected sites that are silent, never positive, dormant, constant, saturated or not finite, ${AT_THE_TIME}.`,
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
        description: 'NaN and infinite activations seen in the hour before. Any is a fault.',
        unit: 'none',
        width: 12,
      },
      over(`sum by (${SITE_LABELS}) (${riseOf(metric('non_finite_values_total', ofSite), '1h')})`, SITE),
    ).min(0),
  )
  .withRow(graphRow());

function worstSites() {
  return tablePanel(
    {
      title: 'Worst sites',
      description: `The ten selected sites with the largest dead ratio, ${LAST}.`,
      width: 9,
    },
    [`topk(10, max by (${SITE_LABELS}) (${metric('dead_ratio', ofSite)}))`],
  )
    .transformations([
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          indexByName: { layer: 0, site: 1, stack: 2, part: 3, Value: 4 },
          renameByName: { layer: 'Layer', site: 'Site', stack: 'Stack', part: 'Part', Value: 'Dead ratio' },
        },
      },
    ])
    .sortBy([sortedBy('Dead ratio', true), sortedBy('Layer', false)])
    .overrideByName('Layer', [{ id: 'custom.width', value: 70 }])
    .overrideByName('Site', [{ id: 'custom.width', value: 110 }])
    .overrideByName('Stack', [{ id: 'custom.width', value: 90 }])
    .overrideByName('Part', [{ id: 'custom.width', value: 90 }])
    .overrideByName('Dead ratio', deadBarColumn);
}

/** Over-smoothing, which only graph models have: a row that is closed on all other models. */
function graphRow(): RowBuilder {
  const measure = (title: string, description: string, name: Parameters<typeof metric>[0]) =>
    lines(
      { title, description: `${description}, of each layer, ${AT_THE_TIME}.`, unit: 'none', width: 8 },
      over(`max by (${SITE_LABELS}) (${metric(name)})`, SITE),
    )
      .min(0)
      .noValue('Graph models only');
  return new RowBuilder('Over-smoothing (graph models only)')
    .collapsed(true)
    .withPanel(
      measure(
        'Dirichlet energy',
        'Dirichlet energy of the node features: falls to 0 as all nodes become the same',
        'dirichlet_energy',
      ),
    )
    .withPanel(
      measure('Distance to the mean', 'Norm of the node features less their mean row', 'distance_to_mean'),
    )
    .withPanel(
      measure(
        'Effective rank',
        'Effective rank of the node features: follows accuracy better than the energy does',
        'effective_rank',
      ),
    );
}
