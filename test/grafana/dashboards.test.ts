import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, it } from 'vitest';
import { model } from '../../grafana/source/model.js';
import { overview } from '../../grafana/source/overview.js';
import { datasource } from '../../grafana/source/parts.js';
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

  it.each(panelsOf(dashboard).map((panel) => [panel.title, panel] as const))(
    'says of the panel %s what it shows, in which unit, and what it shows when empty',
    (_title, panel) => {
      expect(panel.description).toMatch(/^[A-Z0-9].{15,}[.]$/s);
      expect(panel.fieldConfig?.defaults?.unit).toBeTruthy();
      expect(panel.fieldConfig?.defaults?.noValue).toBeTruthy();
      expect(panel.targets!.length).toBeGreaterThan(0);
      expect(panel.datasource).toEqual(datasource);
    },
  );

  it('asks only for metrics that exist', () => {
    for (const expression of expressionsOf(dashboard)) {
      const names = metricNames(expression);
      expect(names.length, expression).toBeGreaterThan(0);
      for (const name of names) expect(known, expression).toContain(name);
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
