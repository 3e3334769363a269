import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../../src/report/json.js';
import { reluRows, reportOf, siteOf } from '../../report/fixture.js';
import { until } from '../metrics/services.js';
import { type Exporter, putModel, serveExporter } from '../serving.js';

/** Reports of a training run, put into a state folder by hand: the index is made from them. */
async function storeRun(state: string, name: string): Promise<void> {
  mkdirSync(join(state, 'reports', name), { recursive: true });
  for (const [i, step] of [500, 1000, 1500, 2000].entries()) {
    const sites = [0, 1, 2].map((layer) =>
      siteOf(`${layer}.mlp_post`, reluRows(200, 32, layer === 1 ? 2 * i : Math.min(1, i))),
    );
    const report = reportOf(sites, { createdAt: `2026-01-0${i + 1}T00:00:00.000Z` });
    Object.assign(report.model, { name, step });
    report.gate = {
      status: i < 3 ? 'passed' : 'failed',
      rules: [
        {
          rule: 'mlp_post.dead_ratio > 0.08',
          value: 0.1,
          limit: 0.08,
          status: i < 3 ? 'passed' : 'failed',
          site: null,
        },
      ],
    };
    await writeReport(join(state, 'reports', name, `2026010${i + 1}T000000000Z-abcdef.json`), report);
  }
}

describe('the pages', () => {
  let server: Exporter;
  let browser: Browser;
  const requested: string[] = [];
  const errors: string[] = [];

  async function open(
    path: string,
    { colorScheme = 'light' as 'light' | 'dark', width = 1280, javaScriptEnabled = true } = {},
  ): Promise<Page> {
    const viewport = { width, height: 800 };
    const context = await browser.newContext({ colorScheme, viewport, javaScriptEnabled });
    const page = await context.newPage();
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(server.url + path);
    return page;
  }

  beforeAll(async () => {
    const prepared = await serveExporter();
    await storeRun(prepared.state, 'run');
    prepared.child.kill('SIGTERM');
    server = await serveExporter({
      models: prepared.models,
      state: prepared.state,
      args: ['--checkpoints', '<name>-step-<n>.onnx', '--max-dead-ratio', '0.5', '--rate-limit', '100000'],
    });
    putModel(server.models, 'gcn');
    putModel(server.models, 'gpt2-relu');
    putModel(server.models, 'gcn', '.run');
    renameSync(join(server.models, '.run/model.onnx'), join(server.models, 'run-step-2000.onnx'));
    writeFileSync(join(server.models, 'broken.onnx'), 'no model');
    await until(async () => (await server.json('/api/v1/models')).length === 4, 'the models to be seen');
    await server.post({ model: 'gcn/model' });
    await server.job('done', 'gcn/model');
    await server.post({ model: 'broken' });
    await server.job('failed', 'broken');
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser?.close());

  it('show models, verdicts and trends, in light and dark', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      const page = await open('/', { colorScheme: scheme });
      const rows = page.getByRole('table').getByRole('row');
      expect(await rows.count()).toBe(5);
      await page.getByRole('row', { name: /gcn\/model ✓ passed 6\.25%/ }).waitFor();
      await page.getByRole('row', { name: /run step 2,000 ✗ gate failed/ }).waitFor();
      await page.getByRole('row', { name: /gpt2-relu\/model – not audited yet/ }).waitFor();
      await page.getByRole('img', { name: /over 4 audits/ }).waitFor();
      const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(background).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
      if (process.env.AUDIT_SCREENSHOTS)
        await page.screenshot({ path: `${process.env.AUDIT_SCREENSHOTS}/home-${scheme}.png` });
      await page.context().close();
    }
  });

  it('show the course of a training run from the stored reports', async () => {
    const page = await open('/models/run', { colorScheme: 'dark' });
    await page.getByRole('heading', { name: 'Dead ratio by training step' }).waitFor();
    await page.getByRole('img', { name: /Dead ratio of each layer/ }).waitFor();
    // 12 cells and 24 steps of the scale.
    expect(await page.locator('.on-wide rect.heat').count()).toBe(36);
    expect(await page.getByRole('table').getByRole('row').count()).toBe(5);
    await page.getByText('Worst now: layer 1 (18.8%)').waitFor();
    if (process.env.AUDIT_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.AUDIT_SCREENSHOTS}/run.png`, fullPage: true });
    await page.context().close();
  });

  it('are walked through by keyboard: skip link, model, report, whole report', async () => {
    const page = await open('/');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    // Find, state, sort; five heads to sort by; the row before.
    const walk = ['broken', 'Audit now', 'gcn/model'];
    const passed: unknown[] = [];
    while (passed.at(-1) !== 'gcn/model' && passed.length < 15) {
      await page.keyboard.press('Tab');
      passed.push(await focused(page));
    }
    expect(passed.slice(-walk.length)).toEqual(walk);
    expect(passed).toHaveLength(3 + 5 + walk.length);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'gcn/model' }).waitFor();
    await page.getByRole('link', { name: /^Report of/ }).press('Enter');
    await page.getByRole('heading', { name: 'Sites' }).waitFor();
    if (process.env.AUDIT_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.AUDIT_SCREENSHOTS}/report.png`, fullPage: true });
    await page.getByRole('link', { name: 'Whole report (JSON)' }).press('Enter');
    await page.waitForURL(/\/api\/v1\/reports\//);
    await page.context().close();
  });

  it('follow an audit live, and tell screen readers', async () => {
    const page = await open('/');
    await page.getByText('Nothing at the moment.').waitFor();
    await server.post({ model: 'gpt2-relu/model', options: { tokens: 3000 } });
    await page.locator('#status', { hasText: 'The audit of gpt2-relu/model' }).waitFor();
    await server.post({ model: 'gcn/model', data: 'random' });
    await page.getByRole('progressbar', { name: 'Progress of gpt2-relu/model' }).waitFor();
    // What waits shows no bar: one without a value moves as if it ran.
    await page.locator('#waiting li', { hasText: 'gcn/model' }).waitFor();
    expect(await page.locator('#waiting progress').count()).toBe(0);
    await page.getByRole('row', { name: /gcn\/model ○ waiting/ }).waitFor();
    await page.getByRole('row', { name: /gpt2-relu\/model ● running/ }).waitFor();
    if (process.env.AUDIT_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.AUDIT_SCREENSHOTS}/live.png` });
    await page.getByRole('row', { name: /gpt2-relu\/model ✓ passed/ }).waitFor({ timeout: 20_000 });
    await page.context().close();
  });

  it('tell that an audit failed and why: in the table, on the page of the model, and to programs', async () => {
    const page = await open('/');
    const row = page.getByRole('row', { name: /^broken ✗ audit failed/ });
    const { reason } = (await server.json('/api/v1/models')).find(
      ({ name }: { name: string }) => name === 'broken',
    ).failure;
    expect(reason).toMatch(/broken\.onnx/);
    expect(await row.locator('.reason').textContent()).toBe(reason.replaceAll('`', ''));
    await row.getByRole('link', { name: 'broken' }).click();
    await page.getByText('The audit failed').waitFor();
    expect(await page.getByRole('note').textContent()).toContain(reason.replaceAll('`', ''));
    await page.context().close();
  });

  it('draw audits of other data as a line of their own, and name the data of each report', async () => {
    await until(
      async () => (await server.json('/api/v1/reports?model=gcn/model')).length === 2,
      'the audit of random data',
    );
    const page = await open('/models/gcn%2Fmodel');
    expect(await page.locator('.legend li').allTextContents()).toEqual(['sample', 'random']);
    expect(await page.locator('.on-wide path.line').count()).toBe(2);
    for (const data of ['sample', 'random'])
      await page.getByRole('cell', { name: data, exact: true }).waitFor();
    // Nothing to compare the first audit of some data with.
    expect(await page.getByRole('link', { name: 'Difference from the report before' }).count()).toBe(0);
    await page.getByText('The limit of each layer, 50%, lies above the chart.').waitFor();
    await page.context().close();
  });

  it('say the value under the pointer', async () => {
    const page = await open('/models/run');
    await page.locator('.on-wide svg.chart g[data-tip^="step 2,000"]').first().hover();
    expect(await page.locator('#tip').textContent()).toMatch(/^step 2,000: [\d.]+% dead$/);
    await page.locator('.on-wide g[data-tip^="layer 1, step 1,500"]').hover();
    expect(await page.locator('#tip').textContent()).toBe('layer 1, step 1,500: 12.5% dead');
    await page.mouse.move(2, 2);
    expect(await page.locator('#tip').isVisible()).toBe(false);
    await page.context().close();
  });

  it('sort and filter the models, and keep that over a reload', async () => {
    const page = await open('/');
    const names = () => page.locator('tbody tr:visible th a').allTextContents();
    expect(await names()).toEqual(['broken', 'gcn/model', 'gpt2-relu/model', 'run']);
    await page.getByRole('button', { name: 'Dead' }).click();
    const byDead = await names();
    expect(byDead[0]).toBe('run');
    expect(byDead.at(-1)).toBe('broken');
    await page.getByRole('button', { name: 'Dead' }).click();
    expect((await names()).slice(0, 3)).toEqual(byDead.slice(0, 3).reverse());
    await page.getByLabel('Find').fill('gcn');
    expect(await names()).toEqual(['gcn/model']);
    await page.getByText('1 of 4 shown').waitFor();
    await page.reload();
    expect(await names()).toEqual(['gcn/model']);
    await page.getByLabel('Find').fill('');
    await page.getByLabel('State').selectOption('could not be audited');
    expect(await names()).toEqual(['broken']);
    await page.context().close();
  });

  it('start an audit by a button, also without a script', async () => {
    const page = await open('/models/gcn%2Fmodel', { javaScriptEnabled: false });
    await page.getByRole('button', { name: 'Audit gcn/model now' }).click();
    await page.waitForURL(/\/models\/gcn%2Fmodel$/);
    await until(
      async () => (await server.json('/api/v1/reports?model=gcn/model')).length === 3,
      'the report of the audit',
    );
    const forged = await fetch(`${server.url}/models/gcn%2Fmodel/audit`, {
      method: 'POST',
      body: new URLSearchParams({ form: 'guessed' }),
    });
    expect(forged.status).toBe(403);
    await page.context().close();
  });

  it('list the dead neurons of a report, and the rules with site and value', async () => {
    const reports = await server.json('/api/v1/reports?model=run');
    const page = await open(`/reports/${reports.at(-1).id}`);
    await page.getByText('1.mlp_post: 6 dead neurons').waitFor();
    await page.getByText('0, 1, 2, 3, 4, 5', { exact: true }).waitFor();
    await page.getByText('whole model: 10%').waitFor();
    await page.getByRole('button', { name: 'Dead', exact: true }).click();
    expect(await page.locator('tbody tr th').first().textContent()).toBe('1.mlp_post');
    await page.context().close();
  });

  it('fit a telephone: nothing is wider than the screen, and words stay whole', async () => {
    for (const path of ['/', '/models/run', '/models/broken']) {
      const page = await open(path, { width: 390 });
      expect(await page.evaluate('document.documentElement.scrollWidth'), path).toBe(390);
      for (const name of await page.locator('tbody th').all()) {
        const box = (await name.boundingBox())!;
        expect(box.width, path).toBeGreaterThan(120);
        expect(box.height, path).toBeLessThan(120);
      }
      await page.context().close();
    }
  });

  it('answer a browser that has lost its way with a page', async () => {
    const page = await open('/nope');
    await page.getByRole('heading', { name: 'Not Found' }).waitFor();
    await page.getByText('There is nothing at /nope.').waitFor();
    await page.context().close();
    const program = await fetch(`${server.url}/nope`);
    expect(program.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const api = await fetch(`${server.url}/api/v1/nope`, { headers: { accept: 'text/html' } });
    expect(api.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });

  it('have a name for everything that can be reached, and one heading of the first level', async () => {
    for (const path of ['/', '/models/run', '/models/gcn%2Fmodel', '/models/broken', '/nope']) {
      const page = await open(path);
      const nameless =
        await page.evaluate(`[...document.querySelectorAll('a, button, input:not([type=hidden]), svg[role=img], [tabindex="0"], progress')]
        .filter((element) => !(element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? element.textContent).trim()).map((element) => element.outerHTML)`);
      expect(nameless, path).toEqual([]);
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
      expect(await page.getByRole('main').count()).toBe(1);
      expect(await page.evaluate('document.documentElement.lang')).toBe('en');
      await page.context().close();
    }
  });

  it('fetch nothing from elsewhere, and nothing fails on the way', () => {
    expect(requested.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([]);
    // Chromium itself notes the page that is not there.
    expect(errors.filter((error) => !/status of 404/.test(error))).toEqual([]);
    expect(readdirSync(server.state)).toContain('reports');
  });
});

async function focused(page: Page): Promise<unknown> {
  return page.evaluate('document.activeElement.textContent.trim()');
}
