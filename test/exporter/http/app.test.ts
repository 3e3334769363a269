import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { auditRequestSchema } from '../../../src/exporter/audit-request.js';
import { type AppOptions, createApp } from '../../../src/exporter/http/app.js';
import { isLoopback } from '../../../src/exporter/http/auth.js';
import { openApi } from '../../../src/exporter/http/openapi.js';
import type { Problem } from '../../../src/exporter/schema.js';
import type { Service } from '../../../src/exporter/types.js';

const token = 'a-token-of-some-length';
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const nothing: Service = {
  problem: () => null,
  metrics: async (format) => `# ${format}\n`,
  models: () => [],
  reports: () => [],
  reportPath: () => null,
  extract: async () => null,
  jobs: () => [],
  job: () => null,
  start: () => {
    throw new Error('secret inner workings');
  },
  cancel: () => null,
  diff: async () => '{}',
  onJob: () => () => {},
};

interface Line {
  level: string;
  fields: Record<string, unknown>;
  message: string;
}

async function listen(more: Partial<AppOptions> = {}) {
  const log: Line[] = [];
  const at = (level: string) => (fields: object, message: string) =>
    void log.push({ level, fields: fields as Line['fields'], message });
  const app = createApp({
    service: nothing,
    log: { info: at('info'), warn: at('warn'), error: at('error') },
    requestSchema: auditRequestSchema,
    token: null,
    protectMetrics: false,
    rateLimit: 1000,
    ...more,
  });
  const server = app.listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const get = (path: string, init?: RequestInit) => fetch(url + path, { redirect: 'manual', ...init });
  const post = (body: string, headers: Record<string, string> = {}) =>
    get('/api/v1/audits', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
    });
  return { get, post, log, app, url };
}

describe('the token', () => {
  it('is asked for by the API, not by /metrics and the probes of Kubernetes', async () => {
    const { get } = await listen({ token });
    expect((await get('/api/v1/models')).status).toBe(401);
    expect((await get('/api/v1/models')).headers.get('www-authenticate')).toMatch(/^Bearer/);
    const right = await get('/api/v1/models', { headers: { authorization: `Bearer ${token}` } });
    expect(right.status).toBe(200);
    const wrong = await get('/api/v1/models', { headers: { authorization: `Bearer ${token}x` } });
    expect(wrong.status).toBe(401);
    for (const path of ['/metrics', '/healthz', '/readyz']) expect((await get(path)).status).toBe(200);
  });

  it('is asked for by /metrics when that is wanted', async () => {
    const { get } = await listen({ token, protectMetrics: true });
    expect((await get('/metrics')).status).toBe(401);
    expect((await get('/metrics', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  it('lets a browser in by a cookie that reads and does not write', async () => {
    const { get } = await listen({ token });
    const page = await get('/');
    expect(page.status).toBe(401);
    expect(await page.text()).toContain('<form method="post" action="/login">');
    const login = (given: string) =>
      get('/login', {
        method: 'POST',
        body: new URLSearchParams({ token: given }),
      });
    expect((await login('guess')).status).toBe(401);
    const answer = await login(token);
    expect(answer.status).toBe(303);
    const set = answer.headers.get('set-cookie')!;
    expect(set).toMatch(/HttpOnly; SameSite=Strict/);
    expect(set).not.toContain(token);
    const cookie = set.split(';')[0]!;
    expect((await get('/', { headers: { cookie } })).status).toBe(200);
    expect((await get('/api/v1/models', { headers: { cookie } })).status).toBe(200);
    const write = await get('/api/v1/audits', {
      method: 'POST',
      body: '{"model":"m"}',
      headers: { cookie, 'content-type': 'application/json' },
    });
    expect(write.status).toBe(401);
  });

  it('is not needed on this machine, where other names are refused', async () => {
    const { url } = await listen();
    const { request } = await import('node:http');
    const status = (host: string) =>
      new Promise((resolve) =>
        request(`${url}/metrics`, { headers: { host } }, (response) =>
          resolve(response.resume().statusCode),
        ).end(),
      );
    expect(await status('localhost:1234')).toBe(200);
    expect(await status('[::1]:80')).toBe(200);
    expect(await status('evil.example')).toBe(421);
  });

  it.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
  ])('may be left out when listening on %s: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('a request', () => {
  it('gets security headers, and a request id of its own or ours', async () => {
    const { get, log } = await listen();
    const answer = await get('/', { headers: { 'x-request-id': 'mine-1' } });
    expect(answer.headers.get('x-request-id')).toBe('mine-1');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('x-powered-by')).toBeNull();
    const other = await get('/', { headers: { 'x-request-id': 'a b"{}' } });
    expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(log[0]).toMatchObject({
      message: 'request',
      fields: { requestId: 'mine-1', path: '/', status: 200 },
    });
  });

  it('that is too large, no JSON, or of another type is answered by a problem', async () => {
    const { post } = await listen();
    const large = await post(JSON.stringify({ model: 'x'.repeat(100_000) }));
    expect(large.status).toBe(413);
    expect(large.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect((await post('{"model"')).status).toBe(400);
  });

  it('beyond the limit of the API is turned away, and /metrics has none', async () => {
    const { get } = await listen({ rateLimit: 2 });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await get('/api/v1/models')).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect(((await (await get('/api/v1/models')).json()) as Problem).code).toBe('rate-limited');
    for (let i = 0; i < 5; i++) expect((await get('/metrics')).status).toBe(200);
  });

  it('that fails inside says nothing of the inside, and the log does', async () => {
    const { post, log } = await listen();
    const answer = await post('{"model":"m"}');
    expect(answer.status).toBe(500);
    const problem = (await answer.json()) as Problem;
    expect(JSON.stringify(problem)).not.toContain('secret');
    const line = log.find(({ level }) => level === 'error')!;
    expect(line.fields.requestId).toBe(problem.requestId);
    expect((line.fields.err as Error).message).toBe('secret inner workings');
  });

  it('for what is not there is answered by a problem', async () => {
    const { get } = await listen();
    for (const path of [
      '/nope',
      '/api/v1/nope',
      '/api/v1/audits/x',
      '/api/v1/reports/x',
      '/models/x',
      '/reports/x',
    ]) {
      const answer = await get(path);
      expect(answer.status, path).toBe(404);
      expect(((await answer.json()) as Problem).status).toBe(404);
    }
  });

  it('of a scraper gets the format it prefers', async () => {
    const { get } = await listen();
    const answer = await get('/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0' },
    });
    expect(answer.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    expect(await answer.text()).toBe('# openmetrics\n');
  });

  it('before the models were read finds the server not ready', async () => {
    const { get } = await listen({ service: { ...nothing, problem: () => 'starting' } });
    expect((await get('/readyz')).status).toBe(503);
    expect((await get('/healthz')).status).toBe(200);
  });
});

describe('schema/openapi.json', () => {
  const document = openApi(auditRequestSchema) as {
    paths: Record<string, Record<string, unknown>>;
  };

  it('is what the server hands out', async () => {
    const text = `${JSON.stringify(document, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot('../../../schema/openapi.json');
    const { get } = await listen();
    expect(await (await get('/api/v1/openapi.json')).json()).toEqual(JSON.parse(text));
  });

  it('documents every route, and no other', async () => {
    const { app } = await listen();
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    expect(documented.sort()).toEqual(apiRoutesOf(app).sort());
  });
});

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

/** Routes below /api/v1, as express holds them. */
function apiRoutesOf(app: Express): string[] {
  const stack = (app as unknown as { router: { stack: Layer[] } }).router.stack;
  const api = stack.find(({ handle }) => handle.stack?.some(({ route }) => route?.path === '/audits'))!;
  const own = stack.filter(({ route }) => route?.path.startsWith('/api/v1/'));
  return [...api.handle.stack!, ...own]
    .filter(({ route }) => route)
    .flatMap(({ route }) =>
      Object.keys(route!.methods).map((method) => `${method} ${route!.path.replace('/api/v1', '')}`),
    );
}
