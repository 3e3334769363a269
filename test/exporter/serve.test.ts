import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Job, Problem } from '../../src/exporter/schema.js';
import { audit, childrenOf, root } from '../cli/audit.js';
import { stop, temporaryFolder, until } from './metrics/services.js';
import { type Exporter, putModel, serveExporter } from './serving.js';

const openapi = JSON.parse(readFileSync(join(root, 'schema/openapi.json'), 'utf8'));
const ajv = new Ajv2020({ strict: false, logger: false });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addSchema({ $id: 'openapi', ...openapi });

/** What is wrong with an answer, by the document's schema of this name. */
function misfits(name: string, value: unknown): string {
  const valid = ajv.validate({ $ref: `openapi#/components/schemas/${name}` }, value);
  return valid ? '' : ajv.errorsText();
}

describe('audit serve', () => {
  let server: Exporter;
  beforeAll(async () => {
    server = await serveExporter({ args: ['--max-dead-ratio', '0.001'] });
    putModel(server.models, 'gpt2-relu');
    await until(async () => (await server.json('/api/v1/models')).length === 1, 'the model to be seen');
  });

  it('audits on request, tells of its progress, and answers as its OpenAPI document says', async () => {
    const answer = await server.post({ model: 'gpt2-relu/model', options: { tokens: 2000 } });
    expect(answer.status).toBe(202);
    const job = (await answer.json()) as Job;
    expect(misfits('Job', job)).toBe('');
    expect(answer.headers.get('location')).toBe(`/api/v1/audits/${job.id}`);
    const stream = await fetch(`${server.url}/api/v1/audits/${job.id}/events`);
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const text = await stream.text(); // ends with the job
    const events = [...text.matchAll(/^event: job\nid: .*\ndata: (.*)$/gm)].map(([, data]) =>
      JSON.parse(data!),
    );
    expect(events.map((event) => misfits('Job', event)).join('')).toBe('');
    expect(events.some(({ progress }) => progress?.positions > 0)).toBe(true);
    const ended = events.at(-1);
    expect(ended).toMatchObject({ status: 'done', error: null });

    const report = await server.json(`/api/v1/reports/${ended.report}`);
    expect(misfits('AuditReport', report)).toBe('');
    expect(report.model.name).toBe('gpt2-relu/model');
    expect(report.gate.status).toBe('failed');
    expect(await server.json('/api/v1/models/gpt2-relu%2Fmodel/report')).toEqual(report);
    for (const [path, name] of [
      ['/api/v1/models', 'ModelEntry'],
      ['/api/v1/audits', 'Job'],
      ['/api/v1/reports?model=gpt2-relu/model', 'ReportEntry'],
    ] as const) {
      const list = await server.json(path);
      expect(list.length, path).toBeGreaterThan(0);
      for (const entry of list) expect(misfits(name, entry), path).toBe('');
    }
  });

  it('has its metrics, of the model and of itself', async () => {
    const text = await server.text('/metrics');
    expect(text).toMatch(/^activation_auditor_audits_total\{model="gpt2-relu\/model",result="success"\} 1$/m);
    expect(text).toMatch(/^activation_auditor_gate_status\{model="gpt2-relu\/model",rule=".*"\} 0$/m);
    expect(text).toMatch(/^activation_auditor_build_info\{version="[^"]+",onnxruntime="1\.30\.0"\} 1$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
  });

  it('compares two reports', async () => {
    await server.post({ model: 'gpt2-relu/model', options: { tokens: 1000 } });
    const reports = await until(async () => {
      const all = await server.json('/api/v1/reports');
      return all.length === 2 ? all : null;
    }, 'a second report');
    const diff = await server.json(`/api/v1/diff?old=${reports[0].id}&new=${reports[1].id}`);
    expect(misfits('DiffReport', diff)).toBe('');
    expect((await fetch(`${server.url}/api/v1/diff?old=x`)).status).toBe(400);
    const text = await server.text('/metrics');
    expect(text).toMatch(/^activation_auditor_positions_total\{model="gpt2-relu\/model"\} 3\d\d\d$/m);
    expect(text).toContain('activation_auditor_revived_neurons{');
  });

  it.each([
    [{ model: '../../etc/passwd' }, 400, 'model-outside'],
    [{ model: '/etc/passwd' }, 400, 'model-outside'],
    [{ model: 'nope' }, 404, 'model-unknown'],
    [{ model: 'gpt2-relu/model', data: '/etc/passwd' }, 400, 'bad-request'],
    [{ model: 'gpt2-relu/model', options: { plugin: ['/tmp/evil.js'] } }, 400, 'bad-request'],
    [{ model: 'gpt2-relu/model', options: { failOn: ['nonsense'] } }, 400, /./],
    [{ model: 'gpt2-relu/model', options: { split: '../../etc/passwd' } }, 400, 'bad-request'],
    [{ model: 'gpt2-relu/model', options: { split: '__proto__' } }, 400, 'bad-request'],
    [{ model: '__proto__' }, 404, 'model-unknown'],
    [{}, 400, 'bad-request'],
  ])('refuses %j', async (body, status, code) => {
    const answer = await server.post(body);
    expect(answer.status).toBe(status);
    const problem = (await answer.json()) as Problem;
    expect(misfits('Problem', problem)).toBe('');
    expect(problem.code).toMatch(code);
  });

  it('cancels what runs, and no process and no file stays', async () => {
    const before = (await server.json('/api/v1/reports')).length;
    const { id } = (await (
      await server.post({
        model: 'gpt2-relu/model',
        data: 'random',
        options: { tokens: 4_000_000, batchSize: 1 },
      })
    ).json()) as Job;
    await until(async () => (await server.json(`/api/v1/audits/${id}`)).progress, 'some progress');
    const answer = await fetch(`${server.url}/api/v1/audits/${id}`, { method: 'DELETE' });
    expect(answer.status).toBe(202);
    const job = await until(async () => {
      const now = await server.json(`/api/v1/audits/${id}`);
      return now.endedAt && now;
    }, 'the end of the job');
    expect(job).toMatchObject({ status: 'cancelled', report: null });
    await until(() => childrenOf(server.child.pid!).length === 0, 'its process to be gone', 5);
    expect(readdirSync(join(server.state, 'reports/gpt2-relu%2Fmodel'))).toHaveLength(before);
    const text = await server.text('/metrics');
    expect(text).toMatch(
      /^activation_auditor_audits_total\{model="gpt2-relu\/model",result="cancelled"\} 1$/m,
    );
  });

  it('takes the series of a model away with it', async () => {
    rmSync(join(server.models, 'gpt2-relu'), { recursive: true });
    await until(async () => !(await server.text('/metrics')).includes('gpt2-relu'), 'the series to go', 5);
    expect(await server.json('/api/v1/models')).toEqual([]);
  });

  it('ends on SIGTERM in order', async () => {
    expect(await stop(server.child, 'SIGTERM')).toBe(0);
  });
});

describe('what was asked of a server and did not end', () => {
  it('is taken up by the next one, after a kill and after an orderly end', async () => {
    const server = await serveExporter();
    putModel(server.models, 'gpt2-relu');
    await until(async () => (await server.json('/api/v1/models')).length === 1, 'the model to be seen');
    const asked: Job[] = [];
    for (const threshold of [0.001, 0.002, 0.003]) {
      const answer = await server.post({ model: 'gpt2-relu/model', options: { threshold } });
      asked.push((await answer.json()) as Job);
    }
    await stop(server.child, 'SIGKILL');
    const second = await serveExporter({ ...places(server) });
    const jobs: Job[] = await second.json('/api/v1/audits');
    expect(jobs.map(({ id }) => id)).toEqual(asked.map(({ id }) => id).reverse());
    expect(jobs.map(({ createdAt }) => createdAt).reverse()).toEqual(asked.map(({ createdAt }) => createdAt));
    expect(await stop(second.child, 'SIGTERM')).toBe(0);
    const third = await serveExporter({ ...places(server) });
    await until(async () => {
      const all: Job[] = await third.json('/api/v1/audits');
      return all.length > 0 && all.every(({ endedAt }) => endedAt !== null);
    }, 'all audits to end');
    const ends: Job[] = await third.json('/api/v1/audits');
    expect(ends.map(({ status, error }) => [status, error])).toEqual(asked.map(() => ['done', null]));
    const reports = await third.json('/api/v1/reports?model=gpt2-relu/model');
    const thresholds = await Promise.all(
      reports.map(
        async ({ id }: { id: string }) => (await third.json(`/api/v1/reports/${id}`)).criterion.threshold,
      ),
    );
    expect(new Set(thresholds)).toEqual(new Set([0.001, 0.002, 0.003]));
    expect(readdirSync(join(server.state, 'requests'))).toEqual([]);
  });
});

const places = ({ models, state }: Exporter) => ({ models, state });

describe('audit serve --watch', () => {
  it('makes a time series of checkpoints, and knows after kill -9 all that was done', async () => {
    const server = await serveExporter({ args: ['--watch', '--checkpoints', '<name>-step-<n>.onnx'] });
    const drop = (step: number) => {
      const shipped = join(root, 'models/gcn/model.onnx');
      cpSync(shipped, join(server.models, `.part`));
      renameSync(join(server.models, '.part'), join(server.models, `run-step-${step}.onnx`));
    };
    drop(100);
    await server.job('done', 'run');
    drop(200);
    const reports = await until(async () => {
      const all = await server.json('/api/v1/reports?model=run');
      return all.length === 2 ? all : null;
    }, 'the second checkpoint');
    expect(reports.map(({ step }: { step: number }) => step)).toEqual([100, 200]);
    expect((await server.json(`/api/v1/reports/${reports[1].id}`)).model).toMatchObject({
      name: 'run',
      step: 200,
    });
    expect(await server.text('/metrics')).toMatch(/^activation_auditor_checkpoint_step\{model="run"\} 200$/m);

    drop(300);
    await server.job('running', 'run');
    await stop(server.child, 'SIGKILL');
    const again = await serveExporter({
      args: ['--watch', '--checkpoints', '<name>-step-<n>.onnx'],
      models: server.models,
      state: server.state,
    });
    const kept = await again.json('/api/v1/reports?model=run');
    expect(kept.slice(0, 2)).toEqual(reports);
    await again.job('done', 'run');
    const all = await again.json('/api/v1/reports?model=run');
    expect(all.map(({ step }: { step: number }) => step)).toEqual([100, 200, 300]);
    const files = readdirSync(server.state, { recursive: true }).map(String);
    expect(files.filter((file) => file.endsWith('.tmp'))).toEqual([]);

    // While an audit runs, SIGTERM stops it and leaves no report of it.
    drop(400);
    await again.job('running', 'run');
    expect(await stop(again.child, 'SIGTERM')).toBe(0);
    const left = readdirSync(join(server.state, 'reports/run')).filter((file) => file.endsWith('.json'));
    expect(left).toHaveLength(3);
  });

  it('counts what a strip in place revived', async () => {
    const server = await serveExporter({ args: ['--watch'] });
    putModel(server.models, 'gpt2-relu');
    await server.job('done', 'gpt2-relu/model');
    const file = join(server.models, 'gpt2-relu/model.onnx');
    const stripped = await audit([
      'strip',
      file,
      '--in-place',
      '--fraction',
      '0.3',
      '--tokens',
      '600',
      '--quiet',
    ]);
    expect(stripped).toMatchObject({ exitCode: 0 });
    await until(async () => (await server.json('/api/v1/reports')).length === 2, 'the audit after the strip');
    const series = await until(async () => {
      const lines = (await server.text('/metrics')).split('\n');
      const found = lines.filter((line) => line.startsWith('activation_auditor_revived_neurons{'));
      return found.length > 0 ? found : null;
    }, 'its series');
    const revived = series
      .filter((line) => line.includes('site="mlp_post"'))
      .map((line) => Number(line.split(' ').at(-1)));
    expect(Math.max(...revived)).toBeGreaterThan(0);
  });

  it('says why an audit failed, and goes on', async () => {
    const server = await serveExporter({ args: ['--watch'] });
    cpSync(join(root, 'package.json'), join(server.models, 'broken.onnx'));
    const failed = await server.job('failed', 'broken');
    expect(failed.error).toMatch(/broken\.onnx/);
    expect(await server.text('/metrics')).toMatch(
      /^activation_auditor_last_audit_success\{model="broken"\} 0$/m,
    );
    putModel(server.models, 'gcn');
    await server.job('done', 'gcn/model');
  });
});

describe('the state folder', () => {
  it('belongs to one server: a second one says so and ends', async () => {
    const server = await serveExporter();
    const second = await audit(['serve', '--models', server.models, '--state', server.state, '--port', '0']);
    expect(second.exitCode).toBe(2);
    expect(second.stderr).toBe(
      `audit: Another server (process ${server.child.pid}) uses the state folder \`${server.state}\`: ` +
        'stop it, or give this one a folder of its own with `--state`.\n',
    );
    expect(await stop(server.child, 'SIGTERM')).toBe(0);
    expect(readdirSync(server.state)).not.toContain('lock.json');
  });

  it('that cannot be written makes the server not ready, and says so in /metrics and to clients', async () => {
    const server = await serveExporter();
    putModel(server.models, 'gpt2-relu');
    await until(async () => (await server.json('/api/v1/models')).length === 1, 'the model to be seen');
    expect(await server.text('/metrics')).toMatch(/^activation_auditor_state_writable 1$/m);
    renameSync(server.state, `${server.state}.away`);
    writeFileSync(server.state, 'a file in its place');
    await until(async () => (await fetch(`${server.url}/readyz`)).status === 503, 'the server to notice', 20);
    expect(await server.text('/readyz')).toMatch(/^The state folder cannot be written: .+\.\n$/);
    expect(await server.text('/metrics')).toMatch(/^activation_auditor_state_writable 0$/m);
    const refused = await server.post({ model: 'gpt2-relu/model' });
    expect(refused.status).toBe(503);
    expect(((await refused.json()) as Problem).code).toBe('state-unwritable');
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    rmSync(server.state);
    renameSync(`${server.state}.away`, server.state);
    await until(async () => (await fetch(`${server.url}/readyz`)).ok, 'the server to be ready again', 20);
    const answer = await server.post({ model: 'gpt2-relu/model' });
    expect(answer.status).toBe(202);
    expect(await stop(server.child, 'SIGTERM')).toBe(0);
  });
});

describe('a rule that selects no site', () => {
  it('is a warning where it is for all models, and an error where a request is about one', async () => {
    const server = await serveExporter({ args: ['--fail-on', '*.attn_out.dead_ratio > 0.5'] });
    putModel(server.models, 'gcn');
    await until(async () => (await server.json('/api/v1/models')).length === 1, 'the model to be seen');
    await server.post({ model: 'gcn/model' });
    const { report } = await server.job('done');
    const { gate, warnings } = await server.json(`/api/v1/reports/${report}`);
    expect(gate).toEqual({ status: 'passed', rules: [] });
    const [warning] = warnings.filter(({ code }: { code: string }) => code === 'rule-without-site');
    expect(warning.message).toMatch(/attn_out/);
    await server.post({ model: 'gcn/model', options: { failOn: ['*.attn_out.dead_ratio > 0.5'] } });
    expect((await server.job('failed')).error).toMatch(/attn_out/);
  });
});

describe('an audit that takes longer than --job-timeout', () => {
  it('is stopped and has failed, with a sentence that says so', async () => {
    const server = await serveExporter({ args: ['--job-timeout', '3s'] });
    putModel(server.models, 'gpt2-relu');
    await until(async () => (await server.json('/api/v1/models')).length === 1, 'the model to be seen');
    const options = { tokens: 4_000_000, batchSize: 1 };
    await server.post({ model: 'gpt2-relu/model', data: 'random', options });
    const failed = await server.job('failed');
    expect(failed.error).toMatch(
      /^The audit was stopped after 3 s, the limit of `audit serve --job-timeout`/,
    );
    await until(() => childrenOf(server.child.pid!).length === 0, 'its process to be gone', 10);
    expect(await server.text('/metrics')).toMatch(
      /^activation_auditor_last_audit_success\{model="gpt2-relu\/model"\} 0$/m,
    );
  });
});

describe('audit serve refuses', () => {
  it.each([
    [['--host', '0.0.0.0'], /Without a token/],
    [['--every', 'soon'], /Expected `--every` to be a time/],
    [['--checkpoints', 'x.onnx'], /Expected `--checkpoints`/],
    [['--fail-on', 'nonsense'], /nonsense/],
    [['--port', '99999'], /Expected `--port`/],
    [['--job-timeout', '0'], /Expected `--job-timeout` to be a time from 1s to 24d/],
    [['--poll', '30d'], /Expected `--poll`/],
    [['--token-file', '/nonexistent'], /cannot be read/],
    [['--baseline', '/nonexistent.json'], /nonexistent\.json/],
    [['--max-increase', '0.1'], /`--baseline`/],
  ])('%j', async (args, message) => {
    const folder = temporaryFolder();
    const ended = await audit(['serve', '--models', folder, '--state', join(folder, 's'), ...args]);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toMatch(message);
  });

  it('a state folder that cannot be written', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    const state = join(folder, 'file/state');
    const ended = await audit(['serve', '--models', folder, '--state', state]);
    expect(ended).toMatchObject({
      exitCode: 2,
      stderr: `audit: The state folder \`${state}\` cannot be written: a part of the path is a file, not a folder.\n`,
    });
  });

  it('a folder that is not there', async () => {
    const ended = await audit(['serve', '--models', '/nonexistent']);
    expect(ended).toMatchObject({
      exitCode: 2,
      stderr: 'audit: The models folder `/nonexistent` cannot be read.\n',
    });
  });
});
