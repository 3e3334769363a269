import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../../src/report/json.js';
import { reluRows, reportOf, siteOf } from '../report/fixture.js';
import { until } from './metrics/services.js';
import { type Exporter, putModel, serveExporter } from './serving.js';

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

  async function open(path: string, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const context = await browser.newContext({ colorScheme, viewport: { width: 1100, height: 800 } });
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
      args: ['--checkpoints', '<name>-step-<n>.onnx', '--max-dead-ratio', '0.5'],
    });
    putModel(server.models, 'gcn');
    putModel(server.models, 'gpt2-relu');
    putModel(server.models, 'gcn', '.run');
    renameSync(join(server.models, '.run/model.onnx'), join(server.models, 'run-step-2000.onnx'));
    await until(async () => (await server.json('/api/v1/models')).length === 3, 'the models to be seen');
    await server.post({ model: 'gcn/model' });
    await server.job('done', 'gcn/model');
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser?.close());

  it('show models, verdicts and trends, in light and dark', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      const page = await open('/', scheme);
      const rows = page.getByRole('table').getByRole('row');
      expect(await rows.count()).toBe(4);
      await page.getByRole('row', { name: /gcn\/model ✓ passed 6\.25%/ }).waitFor();
      await page.getByRole('row', { name: /run step 2,000 ✗ failed/ }).waitFor();
      await page.getByRole('row', { name: /gpt2-relu\/model not audited yet/ }).waitFor();
      await page.getByRole('img', { name: /over 4 audits/ }).waitFor();
      const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      expect(background).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
      if (process.env.AUDIT_SCREENSHOTS)
        await page.screenshot({ path: `${process.env.AUDIT_SCREENSHOTS}/home-${scheme}.png` });
      await page.context().close();
    }
  });

  it('show the course of a training run from the stored reports', async () => {
    const page = await open('/models/run', 'dark');
    await page.getByRole('heading', { name: 'Dead ratio by training step' }).waitFor();
    await page.getByRole('img', { name: /Dead ratio of each layer/ }).waitFor();
    expect(await page.locator('rect.heat').count()).toBe(12);
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
    await page.keyboard.press('Tab'); // the region that scrolls
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('gcn/model');
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
    await page.getByRole('progressbar', { name: 'Progress of gpt2-relu/model' }).waitFor();
    expect(await page.getByRole('status').textContent()).toContain('The audit of gpt2-relu/model');
    if (process.env.AUDIT_SCREENSHOTS)
      await page.screenshot({ path: `${process.env.AUDIT_SCREENSHOTS}/live.png` });
    await page.getByRole('row', { name: /gpt2-relu\/model ✓ passed/ }).waitFor({ timeout: 20_000 });
    await page.context().close();
  });

  it('have a name for everything that can be reached, and one heading of the first level', async () => {
    for (const path of ['/', '/models/run', '/models/gcn%2Fmodel']) {
      const page = await open(path);
      const nameless =
        await page.evaluate(`[...document.querySelectorAll('a, button, input, svg[role=img], [tabindex="0"], progress')]
        .filter((element) => !(element.getAttribute('aria-label') ?? element.textContent).trim()).map((element) => element.outerHTML)`);
      expect(nameless, path).toEqual([]);
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
      expect(await page.getByRole('main').count()).toBe(1);
      expect(await page.evaluate('document.documentElement.lang')).toBe('en');
      await page.context().close();
    }
  });

  it('fetch nothing from elsewhere, and nothing fails on the way', () => {
    expect(requested.filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([]);
    expect(errors).toEqual([]);
    expect(readdirSync(server.state)).toContain('reports');
  });
});

async function focused(page: Page): Promise<unknown> {
  return page.evaluate('document.activeElement.textContent.trim()');
}
