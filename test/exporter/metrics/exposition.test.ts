import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { renderAudit } from '../../../src/exporter/metrics/batch.js';
import { extractOf } from '../../../src/exporter/metrics/extract.js';
import { fullName, METRIC_NAMES, METRICS, MODEL_METRICS } from '../../../src/exporter/metrics/names.js';
import { exporter, negotiate } from '../../../src/exporter/metrics/registry.js';
import { type ModelHealth, modelSamples } from '../../../src/exporter/metrics/samples.js';
import { addAudit, NO_TOTALS } from '../../../src/exporter/metrics/totals.js';
import type { AuditReport } from '../../../src/report/schema.js';
import { smallReport } from '../../report/fixture.js';

function healthOf(report: AuditReport): ModelHealth {
  const latest = extractOf(report, report);
  return {
    model: latest.model,
    latest,
    totals: addAudit(NO_TOTALS, latest),
    audits: { success: 1, failed: 0, cancelled: 0 },
    lastAuditSuccess: true,
  };
}

describe('definitions', () => {
  it.each(METRIC_NAMES)('%s follows the naming rules of Prometheus', (name) => {
    const { type, help, labels } = METRICS[name];
    expect(fullName(name)).toMatch(/^activation_auditor_[a-z][a-z_]*[a-z]$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(help).toMatch(/\.$/);
    expect(labels).not.toContain('neuron');
    expect(labels).not.toContain('le');
  });
});

describe('the exposition', () => {
  it('passes promtool check metrics', async () => {
    const text = await renderAudit(smallReport());
    execFileSync('promtool', ['check', 'metrics'], { input: text });
  });

  it('is golden', async () => {
    const text = await renderAudit(smallReport(2), smallReport(2));
    await expect(text).toMatchFileSnapshot('golden/small.prom');
  });

  it('keeps the rules of OpenMetrics: counters lose _total in TYPE, no _sum beside negative bounds, EOF', async () => {
    const health = healthOf(smallReport());
    const out = exporter(() => modelSamples(health), { processMetrics: true });
    const text = await out.render('openmetrics');
    expect(text).toContain('# TYPE activation_auditor_positions counter\n');
    expect(text).toMatch(/^activation_auditor_positions_total\{model="gpt2"\} 3200$/m);
    expect(text).not.toContain('activation_auditor_activation_value_sum');
    expect(text.endsWith('# EOF\n')).toBe(true);
    const again = await out.render('prometheus');
    expect(again).toContain('# TYPE activation_auditor_positions_total counter\n');
    expect(again).toContain('process_cpu_seconds_total');
    expect(again).toContain('nodejs_eventloop_lag_seconds');
  });

  it('labels every series of a metric with just the labels of its definition', () => {
    for (const { metric, labels, suffix } of modelSamples(healthOf(smallReport()))) {
      const expected = [...METRICS[metric].labels, ...(suffix === '_bucket' ? ['le'] : [])];
      expect(Object.keys(labels).sort(), metric).toEqual(expected.sort());
    }
  });

  it('escapes what stands in names', async () => {
    const report = smallReport(1);
    report.model.name = 'a"b\\c\nd';
    const text = await renderAudit(report);
    expect(text).toContain('model="a\\"b\\\\c\\nd"');
    execFileSync('promtool', ['check', 'metrics'], { input: text });
  });

  it('starts the counters of expected sites at 0', () => {
    const [site] = extractOf(smallReport()).sites;
    const samples = modelSamples({
      model: 'm',
      latest: null,
      totals: NO_TOTALS,
      audits: { success: 0, failed: 0, cancelled: 0 },
      lastAuditSuccess: null,
      expectedSites: [site!],
    });
    expect(samples.filter(({ value }) => value !== 0)).toEqual([]);
    expect(samples.filter(({ metric }) => metric === 'activation_value')).toHaveLength(15);
  });

  it('has no series for what is not known', () => {
    const report = smallReport();
    report.criterion.resolution = null;
    report.sites[0]!.deadRatio = null;
    const samples = modelSamples(healthOf(report));
    expect(samples.some(({ metric }) => metric === 'resolution_ratio')).toBe(false);
    expect(samples.every(({ value }) => Number.isFinite(value))).toBe(true);
  });
});

describe('the budget of series', () => {
  const seriesOf = (layers: number) => modelSamples(healthOf(smallReport(layers, {}, 20))).length;

  it('is at most 12,000 for 96 layers of three sites each, and 1,500 for GPT-2', () => {
    expect(seriesOf(96)).toBeLessThanOrEqual(12_000);
    expect(seriesOf(12)).toBeLessThanOrEqual(1_500);
  });

  it('grows with sites, never with neurons', () => {
    const perLayer = seriesOf(3) - seriesOf(2);
    expect(seriesOf(96) - seriesOf(2)).toBe(94 * perLayer);
    expect(perLayer).toBe(3 * 39);
  });
});

describe('every metric', () => {
  it('about a model is rendered by an audit that has what it needs', () => {
    const report = smallReport();
    report.model.step = 7;
    const { id, stack, layer, part } = report.sites[0]!;
    const measured = { dirichletEnergy: 1, distanceToMean: 2, effectiveRank: 3, meanAverageDistance: 4 };
    const size = {
      nodes: 5,
      neighbourPairs: 8,
      features: 4,
      degreeNormalisedDirichletEnergy: 1,
      zeroShare: 0,
    };
    report.graph = [{ id, stack, layer, site: 'mlp_post', part, ...size, ...measured }];
    report.gate = {
      status: 'passed',
      rules: [{ rule: 'r', value: 0, limit: 1, status: 'passed', site: null }],
    };
    const found = new Set(modelSamples(healthOf(report)).map(({ metric }) => metric));
    expect(MODEL_METRICS.filter((name) => !found.has(name))).toEqual([]);
  });
});

describe('content negotiation', () => {
  it.each([
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['application/openmetrics-text; version=1.0.0', 'openmetrics'],
    ['application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'openmetrics'],
    ['application/openmetrics-text;q=0.2,text/plain;q=0.9', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
  ])('of %s gives %s', (accept, format) => {
    expect(negotiate(accept)).toBe(format);
  });
});

describe('the exporter', () => {
  it('formats again only what changed', async () => {
    let stable = modelSamples(healthOf(smallReport(1)));
    let asked = 0;
    const out = exporter(() => stable, {
      live: () => [{ metric: 'queue_depth', labels: { device: 'cpu' }, value: ++asked }],
    });
    const first = await out.render('prometheus');
    expect(await out.render('prometheus')).toBe(first.replace('{device="cpu"} 1', '{device="cpu"} 2'));
    stable = modelSamples({ ...healthOf(smallReport(1)), lastAuditSuccess: false });
    expect(await out.render('prometheus')).toMatch(
      /^activation_auditor_last_audit_success\{model="gpt2"\} 0$/m,
    );
    const open = await out.render('openmetrics');
    expect(open.match(/# EOF/g)).toHaveLength(1);
    expect(open).not.toContain('\n\n');
    execFileSync('promtool', ['check', 'metrics'], { input: await out.render('prometheus') });
  });
});
