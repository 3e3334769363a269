import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { model } from '../../grafana/source/model.js';
import { overview } from '../../grafana/source/overview.js';
import { training } from '../../grafana/source/training.js';
import { root } from '../cli/audit.js';
import { freePort, ready, start, temporaryFolder, until } from '../exporter/metrics/services.js';
import { type Exporter, putModel, serveExporter } from '../exporter/serving.js';
import { expressionsOf, filledIn, panelsOf } from './queries.js';

const dashboards = { overview: overview.build(), model: model.build(), training: training.build() };

/** What a Prometheus of a week's standing would hold of these models: for the queries that look back. */
function history(models: string[]): string {
  const seconds = Math.floor(Date.now() / 1000);
  const times = [7, 1].flatMap((days) =>
    Array.from({ length: 10 }, (_, i) => seconds - days * 86_400 + (i - 4) * 60),
  );
  const series = (name: string, value: number, labels = '') => [
    `# TYPE activation_auditor_${name} gauge`,
    ...models.flatMap((one) =>
      times.map((time) => `activation_auditor_${name}{model="${one}"${labels}} ${value} ${time}`),
    ),
  ];
  const site = ',stack="",layer="0",site="mlp_post",part=""';
  return [
    ...series('dead_neurons', 1, site),
    ...series('neurons', 100, site),
    ...series('dead_ratio', 0.01, site),
    ...series('capacity_ratio', 0.99),
    '# EOF\n',
  ].join('\n');
}

interface Series {
  metric: Record<string, string>;
  values: [number, string][];
}

describe('a real Prometheus that scrapes a real exporter', () => {
  let exporter: Exporter;
  let prometheus = '';
  let alertmanager = '';

  const query = async (expression: string): Promise<Series[]> => {
    const end = Date.now() / 1000;
    const range = new URLSearchParams({
      query: expression,
      start: String(end - 120),
      end: String(end),
      step: '2',
    });
    const answer = await fetch(`${prometheus}/api/v1/query_range`, { method: 'POST', body: range });
    const body = (await answer.json()) as { error?: string; data: { result: Series[] } };
    if (!answer.ok) throw new Error(`${expression}: ${body.error}`);
    return body.data.result;
  };
  const numbers = (series: Series[]) =>
    series.flatMap(({ values }) => values.map(([, value]) => Number(value)));

  beforeAll(async () => {
    const folder = temporaryFolder();
    const data = join(folder, 'data');
    writeFileSync(join(folder, 'history.txt'), history(['gpt2-relu/model', 'gcn/model', 'run']));
    mkdirSync(data);
    execFileSync(
      'promtool',
      ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'history.txt'), data],
      {
        stdio: 'ignore',
      },
    );

    exporter = await serveExporter({
      args: ['--watch', '--checkpoints', '<name>-step-<n>.onnx', '--max-dead-ratio', '0.001'],
    });
    const ports = [await freePort(), await freePort()];
    prometheus = `http://127.0.0.1:${ports[0]}`;
    alertmanager = `http://127.0.0.1:${ports[1]}`;
    // The shipped files, but for addresses and patience.
    const rules = readFileSync(join(root, 'grafana/alerts/activation-auditor.rules.yml'), 'utf8');
    writeFileSync(join(folder, 'quick.rules.yml'), rules.replace(/for: \d+[mh]/g, 'for: 0s'));
    const shipped = readFileSync(join(root, 'grafana/prometheus/prometheus.yml'), 'utf8');
    const config = shipped
      .replaceAll('30s', '1s')
      .replace('/etc/prometheus/alerts/*.rules.yml', join(folder, 'quick.rules.yml'))
      .replace('auditor:9847', new URL(exporter.url).host)
      .replace('alertmanager:9093', new URL(alertmanager).host);
    writeFileSync(join(folder, 'prometheus.yml'), config);
    const server = start('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${ports[0]}`,
    ]);
    const alerts = start('prometheus-alertmanager', [
      `--config.file=${join(root, 'grafana/alertmanager/alertmanager.yml')}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${ports[1]}`,
      '--cluster.listen-address=',
    ]);
    await Promise.all([ready(`${prometheus}/-/ready`, server), ready(`${alertmanager}/-/ready`, alerts)]);

    putModel(exporter.models, 'gpt2-relu');
    putModel(exporter.models, 'gcn');
    writeFileSync(join(exporter.models, 'broken.onnx'), 'no model');
    const drop = (step: number) => {
      cpSync(join(root, 'models/gcn/model.onnx'), join(exporter.models, '.part'));
      renameSync(join(exporter.models, '.part'), join(exporter.models, `run-step-${step}.onnx`));
    };
    drop(100);
    await until(async () => (await exporter.json('/api/v1/reports')).length >= 3, 'three audits', 90);
    // A scrape in between, so that counters are seen to rise.
    await until(
      async () => (await query('activation_auditor_checkpoint_step == 100')).length > 0,
      'the first checkpoint',
    );
    drop(200);
    await exporter.post({ model: 'gpt2-relu/model' });
    await until(async () => (await exporter.json('/api/v1/reports')).length >= 5, 'five audits', 90);
    await until(
      async () => (await query('activation_auditor_revived_neurons{model="gpt2-relu/model"}')).length > 0,
      'the last audit to be scraped',
    );
    await until(
      async () => numbers(await query('increase(activation_auditor_audits_total[1h])')).some((n) => n > 0),
      'a rise',
    );
  }, 240_000);

  describe.each(Object.entries(dashboards))('answers the dashboard %s:', (_name, dashboard) => {
    it.each([...new Set(expressionsOf(dashboard))])('%s', async (expression) => {
      const found = numbers(await query(filledIn(expression)));
      expect(found.filter(Number.isFinite).length).toBeGreaterThan(0);
      // What counts events has seen some; nothing was non-finite.
      if (/increase\(/.test(expression) && !/non_finite/.test(expression)) {
        expect(Math.max(...found)).toBeGreaterThan(0);
      }
    });
  });

  it('sees a failure that came before the first scrape', async () => {
    const [{ expr }] = panelsOf(dashboards.overview).find(({ title }) => title === 'Audits')!
      .targets as unknown as [{ expr: string }];
    const failed = (await query(filledIn(expr))).filter(({ metric }) => metric.result === 'failed');
    expect(Math.max(...numbers(failed))).toBeGreaterThanOrEqual(1);
  });

  it('has read the exposition as OpenMetrics, whole', async () => {
    const [target] = (
      (await (await fetch(`${prometheus}/api/v1/targets`)).json()) as {
        data: { activeTargets: { health: string; lastError: string }[] };
      }
    ).data.activeTargets;
    expect(target).toMatchObject({ health: 'up', lastError: '' });
    const [type] =
      (
        (await (await fetch(`${prometheus}/api/v1/metadata?metric=activation_auditor_positions`)).json()) as {
          data: Record<string, { type: string }[]>;
        }
      ).data.activation_auditor_positions ?? [];
    expect(type?.type).toBe('counter');
  });

  it('computes histogram_quantile over signed bounds', async () => {
    const median =
      'histogram_quantile(0.5, sum by (le, model) (activation_auditor_activation_value_bucket{site="mlp_pre"}))';
    const found = numbers(await query(median)).filter(Number.isFinite); // NaN before the first audit
    expect(found.length).toBeGreaterThan(0);
    for (const value of found) expect(Math.abs(value)).toBeLessThan(30);
  });

  it('tells Alertmanager what its rules found', async () => {
    const found = await until(async () => {
      const alerts = (await (await fetch(`${alertmanager}/api/v2/alerts`)).json()) as {
        labels: Record<string, string>;
        annotations: Record<string, string>;
      }[];
      return alerts.find(({ labels }) => labels.alertname === 'ActivationAuditGateFailed');
    }, 'the alert');
    expect(found.labels.severity).toBe('warning');
    expect(found.annotations.summary).toContain('fails its gate rule: *.mlp_post.dead_ratio > 0.001');
  });
});
