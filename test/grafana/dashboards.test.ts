import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dashboard, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { datasource } from '../../grafana/source/dashboard.js';
import { model } from '../../grafana/source/model.js';
import { overview } from '../../grafana/source/overview.js';
import { training } from '../../grafana/source/training.js';
import { fullName, METRIC_NAMES } from '../../src/exporter/metrics/names.js';
import { root } from '../cli/audit.js';
import { expressionsOf, metricNames, panelsOf } from './queries.js';

const known = new Set(METRIC_NAMES.map(fullName));
const dashboards: [string, Dashboard][] = [
  ['overview', overview.build()],
  ['model', model.build()],
  ['training', training.build()],
];
const allPanels = dashboards.flatMap(([name, dashboard]) =>
  panelsOf(dashboard).map((panel) => [`${name}: ${panel.title}`, panel] as const),
);
const panelNamed = (name: string) => allPanels.find(([title]) => title === name)![1];

/** Prometheus's own series of the alerts that fire. */
const ALERTS = 'ALERTS{alertname=~"ActivationAudit.*", alertstate="firing"}';

interface Property {
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: Grafana's own type
  value?: any;
}

/** The properties that a panel's overrides give a column or field. */
function overridesOf({ fieldConfig }: Panel, field: string): Record<string, Property['value']> {
  const own = fieldConfig!.overrides.filter(({ matcher }) => matcher.options === field);
  return Object.fromEntries(own.flatMap(({ properties }) => properties.map(({ id, value }) => [id, value])));
}

const customOf = ({ fieldConfig }: Panel) => (fieldConfig!.defaults.custom ?? {}) as Record<string, unknown>;
const optionsOf = ({ options }: Panel) => options as Record<string, unknown>;

describe.each(dashboards)('the dashboard %s', (name, dashboard) => {
  it('is in grafana/dashboards as the code says (vitest -u writes it)', async () => {
    const text = `${JSON.stringify(dashboard, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`../../grafana/dashboards/${name}.json`);
  });

  it('has a fixed uid, no id, and the data source as a variable', () => {
    expect(dashboard.uid).toBe(`activation-auditor-${name}`);
    expect(dashboard.id).toBeNull();
    const text = JSON.stringify(dashboard);
    expect(text).not.toContain('__inputs');
    expect(text).not.toContain('DS_PROMETHEUS');
    const [first] = dashboard.templating!.list!;
    expect(first).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const sources = [...text.matchAll(/"uid":"([^"]*)"/g)].map(([, uid]) => uid);
    expect(new Set(sources)).toEqual(new Set([dashboard.uid, datasource.uid]));
  });

  it('has variables for job, instance and the address of the auditor, and each query minds the first two', () => {
    const variables = dashboard.templating!.list!.map((variable) => variable.name);
    expect(variables.slice(0, 4)).toEqual(['datasource', 'job', 'instance', 'auditor']);
    const queries = expressionsOf(dashboard).filter((expression) => expression !== ALERTS);
    const selectors = queries.flatMap((expression) => expression.match(/\{[^}]*\}/g) ?? []);
    for (const selector of selectors.filter((one) => one !== '{job=~"$job"}')) {
      expect(selector).toContain('job=~"$job", instance=~"$instance"');
    }
  });

  it('asks only for metrics that exist', () => {
    for (const expression of expressionsOf(dashboard).filter((one) => one !== ALERTS)) {
      const names = metricNames(expression);
      expect(names.length, expression).toBeGreaterThan(0);
      for (const metric of names) expect(known, expression).toContain(metric);
    }
  });

  it('lays its panels out without overlap, within 24 columns', () => {
    const places = panelsOf(dashboard).map(({ gridPos }) => gridPos!);
    for (const [i, a] of places.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      for (const b of places.slice(i + 1)) {
        const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
        expect(apart, `${JSON.stringify(a)} ${JSON.stringify(b)}`).toBe(true);
      }
    }
  });

  it('shares the crosshair between its graphs', () => {
    expect(dashboard.graphTooltip).toBe(1);
  });

  it('marks finished and failing audits and failed gates on its graphs', () => {
    const names = dashboard.annotations!.list!.map((annotation) => annotation.name);
    expect(names).toEqual(expect.arrayContaining(['Audit finished', 'Gate failed', 'Audit failing']));
    expect(names.includes('Checkpoint audited')).toBe(name === 'training');
  });

  it('links to the other dashboards, the auditor and the runbook, and carries no model along', () => {
    const links = dashboard.links!;
    expect(links.map(({ url }) => url!.replace(/\?.*/, ''))).toEqual([
      ...dashboards.filter(([other]) => other !== name).map(([other]) => `/d/activation-auditor-${other}`),
      // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Grafana's own variables
      '${auditor}/',
      '${auditor}/runbook',
    ]);
    for (const { url, includeVars, keepTime } of links.slice(0, 2)) {
      expect(includeVars).toBe(false);
      expect(keepTime).toBe(true);
      expect(url).not.toMatch(/model:|var-model/);
      for (const variable of ['datasource', 'job', 'instance', 'auditor']) {
        expect(url).toContain(`\${${variable}:queryparam}`);
      }
      // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Grafana's own variables
    }
  });
});

describe.each(allPanels)('the panel %s', (_title, panel) => {
  const { defaults } = panel.fieldConfig!;

  it('says what it shows and of which audits or which time, in which unit, and what it shows when empty', () => {
    expect(panel.description).toMatch(/^[A-Z0-9].{15,}[.]$/s);
    expect(panel.description).toMatch(
      /last audit|audited last|last successful audit|current file|at the time|the last one|from one (audit|checkpoint)|before|each six hours|time range|\bnow\b|so far/,
    );
    expect(defaults.unit).toBeTruthy();
    expect(defaults.noValue).toBeTruthy();
    expect(panel.targets!.length).toBeGreaterThan(0);
    expect(panel.datasource).toEqual(datasource);
  });

  it('has steps of colour of its own, and no colour of health where there is no value', () => {
    if (panel.type === 'heatmap' || panel.type === 'state-timeline') return;
    const [base] = defaults.thresholds!.steps;
    expect(base).toEqual({ value: null, color: 'text' });
    for (const { value } of defaults.thresholds!.steps) expect(value).not.toBe(80);
  });

  it('has an axis that ends near 0 where all values are 0', () => {
    if (!['timeseries', 'barchart', 'xychart'].includes(panel.type)) return;
    const least = { percentunit: 0.1, none: 5 }[defaults.unit!];
    expect(least).toBeDefined();
    expect(customOf(panel).axisSoftMax).toBe(least);
  });

  it('applies no unit of values to layers and other names', () => {
    if (panel.type === 'table') expect(defaults.unit).toBe('string');
    if (panel.type === 'barchart')
      expect(overridesOf(panel, optionsOf(panel).xField as string).unit).toBe('string');
  });

  it('sorts the names of its legend as people do', () => {
    if (panel.type !== 'timeseries') return;
    expect(optionsOf(panel).legend).toMatchObject({ sortBy: 'Name', sortDesc: false });
    for (const { legendFormat } of panel.targets as { legendFormat?: string }[]) {
      if (legendFormat?.includes('{{layer}}')) expect(legendFormat).toContain('layer {{layer}}');
    }
  });
});

describe('the overview', () => {
  it('names the models whose audits fail, and sorts them first', () => {
    const table = panelNamed('overview: All models');
    const queries = table.targets as unknown as { expr: string }[];
    expect(queries[0]!.expr).toContain('last_audit_success');
    expect(optionsOf(table).sortBy).toEqual([
      { displayName: 'Last audit', desc: false },
      { displayName: 'Dead ratio', desc: true },
    ]);
    expect(overridesOf(table, 'Last audit').mappings[0].options['0']).toEqual({
      text: '✗ failed',
      color: 'red',
    });
  });

  it('links each model to its dashboard and to its page', () => {
    const table = panelNamed('overview: All models');
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Grafana's own variables
    expect(overridesOf(table, 'Model').links[0].url).toMatch(
      /^\/d\/activation-auditor-model\?var-model=\$\{__value\.raw:percentencode\}&/,
    );
    expect(overridesOf(table, 'Last audit').links[0].url).toBe(
      '${auditor}/models/${__data.fields.Model:percentencode}',
    );
    const [link] = panelNamed('overview: Dead ratio').fieldConfig!.defaults.links as { url: string }[];
    expect(link!.url).toBe('${auditor}/models/${__field.labels.model:percentencode}');
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Grafana's own variables
  });

  it('lists the alerts of the auditor that fire, each with its entry in the runbook', () => {
    const table = panelNamed('overview: Alerts');
    expect((table.targets as unknown as { expr: string }[])[0]!.expr).toBe(ALERTS);
    const rules = parse(readFileSync(join(root, 'grafana/alerts/activation-auditor.rules.yml'), 'utf8'));
    for (const { alert } of rules.groups.flatMap((group: { rules: { alert: string }[] }) => group.rules)) {
      expect(alert).toMatch(/^ActivationAudit/);
    }
    expect(overridesOf(table, 'Alert').links[0].url).toMatch(/\/runbook#\$\{__value\.raw:lowercase\}$/);
  });

  it('counts audits that ended before the first scrape, whose counter never was 0', () => {
    const [{ expr }] = panelNamed('overview: Audits').targets as unknown as [{ expr: string }];
    expect(expr).toMatch(/unless .* offset 1h\) or increase\(/);
  });
});

describe('the dashboard of a model', () => {
  it('says first whether the last audit failed', () => {
    const [first] = panelsOf(dashboards[1]![1]);
    expect(first!.title).toBe('Last audit');
    expect(first!.fieldConfig!.defaults.mappings).toEqual([
      expect.objectContaining({
        options: expect.objectContaining({ '0': { text: '✗ failed', color: 'red' } }),
      }),
    ]);
  });

  it('calls an audit of everything a census, not a missing audit', () => {
    const resolution = panelNamed('model: Resolution');
    expect((resolution.targets as unknown as { expr: string }[])[0]!.expr).toMatch(/ or 0 \* /);
    expect(resolution.fieldConfig!.defaults.mappings).toEqual([
      expect.objectContaining({ options: { '0': { text: 'Census' } } }),
    ]);
  });

  it('draws layers as bars, in the order of their numbers', () => {
    const bars = panelNamed('model: Dead ratio by layer');
    expect(bars.type).toBe('barchart');
    expect(bars.transformations!.map(({ id }) => id)).toEqual([
      'joinByField',
      'organize',
      'convertFieldType',
      'sortBy',
      'convertFieldType',
    ]);
    const types = bars
      .transformations!.slice(2)
      .map(({ options }) => options.conversions?.[0].destinationType);
    expect(types).toEqual(['number', undefined, 'string']);
  });

  it('draws the bars of the table from 0 to 1, not to the largest of them', () => {
    const column = overridesOf(panelNamed('model: Worst sites'), 'Dead ratio');
    expect([column.min, column.max, column['custom.cellOptions'].type]).toEqual([0, 1, 'gauge']);
  });

  it('draws limits of dead ratios as dashed lines', () => {
    for (const title of [
      'model: Dead ratio over time',
      'model: Dead ratio by layer',
      'overview: Dead ratio',
    ]) {
      expect(customOf(panelNamed(title)).thresholdsStyle, title).toEqual({ mode: 'dashed' });
      const values = panelNamed(title).fieldConfig!.defaults.thresholds!.steps.map(({ value }) => value);
      expect(values, title).toEqual([null, 0.05, 0.2]);
    }
  });

  it('has columns of six hours in its heatmaps', () => {
    for (const title of ['model: Activation frequency over time', 'model: Activation values over time']) {
      const panel = panelNamed(title);
      expect(panel.interval).toBe('6h');
      expect((panel.targets as unknown as { interval: string }[])[0]!.interval).toBe('6h');
    }
  });

  it('keeps what only graph models have in a closed row, which is the last', () => {
    const row = dashboards[1]![1].panels!.at(-1) as RowPanel;
    expect(row).toMatchObject({ type: 'row', collapsed: true });
    expect(row.panels.map(({ title }) => title)).toEqual([
      'Dirichlet energy',
      'Distance to the mean',
      'Effective rank',
    ]);
    const others = allPanels.filter(([, panel]) => !row.panels.some(({ title }) => title === panel.title));
    for (const [title, { targets }] of others) {
      expect(JSON.stringify(targets), title).not.toMatch(/dirichlet|distance_to_mean|effective_rank/);
    }
  });
});

describe('together', () => {
  it('the dashboards, alerts and the runbook use every metric, or the list says why not', () => {
    const unused = [
      'build_info',
      'model_info',
      'positions_total',
      'models',
      'running_audits',
      'audit_duration_seconds',
      // Beside the energy and the rank, which the dashboard shows, for whoever looks closer.
      'degree_normalised_dirichlet_energy',
      'mean_average_distance',
      'zero_output_ratio',
    ];
    const rules = readFileSync(join(root, 'grafana/alerts/activation-auditor.rules.yml'), 'utf8');
    const used = new Set(
      [...dashboards.flatMap(([, one]) => expressionsOf(one)), rules].flatMap(metricNames),
    );
    const left = METRIC_NAMES.filter((name) => !used.has(fullName(name)));
    expect(left.sort()).toEqual(unused.sort());
  });
});
