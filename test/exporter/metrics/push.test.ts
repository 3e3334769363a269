import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunError } from '../../../src/errors.js';
import { renderAudit, renderFailure } from '../../../src/exporter/metrics/batch.js';
import { deletePushed, groupUrl, pushMetrics } from '../../../src/exporter/metrics/push.js';
import { audit } from '../../cli/audit.js';
import { smallReport } from '../../report/fixture.js';
import { freePort, ready, start, temporaryFolder } from './services.js';

describe('a Pushgateway', () => {
  let url = '';
  const metrics = async () => (await fetch(`${url}/metrics`)).text();

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await ready(
      `${url}/-/ready`,
      start('prometheus-pushgateway', [`--web.listen-address=127.0.0.1:${port}`]),
    );
  });

  it('takes the metrics of an audit, in a group of job and model', async () => {
    await pushMetrics(url, 'runs/a', await renderAudit(named('runs/a')));
    await pushMetrics(url, 'runs/b', await renderAudit(named('runs/b')));
    const text = await metrics();
    for (const model of ['runs/a', 'runs/b']) {
      expect(text).toMatch(
        new RegExp(
          `^activation_auditor_dead_neurons\\{.*job="activation_auditor".*model="${model}".*\\} 4$`,
          'm',
        ),
      );
    }
    expect(text).toMatch(/^activation_auditor_activation_value_bucket\{.*le="-30".*\} /m);
  });

  it('keeps the last good audit when one fails', async () => {
    await pushMetrics(url, 'm', await renderAudit(named('m')));
    await pushMetrics(url, 'm', await renderFailure('m'), { keep: true });
    const own = (await metrics()).split('\n').filter((line) => line.includes('model="m"'));
    expect(own.find((line) => line.startsWith('activation_auditor_last_audit_success'))).toMatch(/ 0$/);
    expect(own.some((line) => line.startsWith('activation_auditor_last_success_timestamp_seconds'))).toBe(
      true,
    );
    expect(own.some((line) => line.startsWith('activation_auditor_neurons'))).toBe(true);
  });

  it('forgets one model and keeps the others', async () => {
    await pushMetrics(url, 'gone', await renderAudit(named('gone')));
    await pushMetrics(url, 'stays', await renderAudit(named('stays')));
    await deletePushed(url, 'gone');
    const text = await metrics();
    expect(text).not.toContain('model="gone"');
    expect(text).toContain('model="stays"');
  });

  it('is served by the command line: --push, --push-delete', async () => {
    const model = 'models/gpt2-relu/model.onnx';
    const pushed = await audit([model, '--tokens', '1000', '--push', url, '--quiet']);
    expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await metrics()).toContain('model="models/gpt2-relu/model"');
    const deleted = await audit([model, '--push', url, '--push-delete']);
    expect(deleted.stderr).toContain('Removed the metrics of models/gpt2-relu/model');
    expect(deleted.exitCode).toBe(0);
    expect(await metrics()).not.toContain('model="models/gpt2-relu/model"');
  });

  it('that refuses is told in one sentence', async () => {
    const error = await pushMetrics(url, 'm', 'no metrics at all {').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RunError);
    expect((error as Error).message).toMatch(/refused the metrics of m: 400/);
  });

  it('that is not there ends the run with exit code 3, after the results', async () => {
    const port = await freePort();
    const folder = temporaryFolder();
    const report = join(folder, 'report.json');
    const args = ['models/gpt2-relu/model.onnx', '--tokens', '500', '--report', report];
    const ended = await audit([...args, '--push', `http://127.0.0.1:${port}`]);
    expect(ended.exitCode).toBe(3);
    expect(ended.stderr).toContain('cannot be reached');
    expect(ended.stdout).toContain('mlp_post');
    expect(existsSync(report)).toBe(true);
  });
});

describe('the address of a group', () => {
  it('holds the model as base64, and credentials go into a header', () => {
    const { url, authorization } = groupUrl('https://me:s%20t@push.example/gw/', 'a/b?c');
    expect(url.href).toBe('https://push.example/gw/metrics/job/activation_auditor/model@base64/YS9iP2M');
    expect(authorization).toBe(`Basic ${Buffer.from('me:s t').toString('base64')}`);
  });

  it('is refused for another protocol', () => {
    expect(() => groupUrl('ftp://x', 'm')).toThrow(/Expected `push`/);
  });
});

describe('--textfile', () => {
  it('writes the same series, whole', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'audit.prom');
    const ended = await audit([
      'models/gpt2-relu/model.onnx',
      '--tokens',
      '1000',
      '--textfile',
      file,
      '--quiet',
    ]);
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(
      /^activation_auditor_audits_total\{model="models\/gpt2-relu\/model",result="success"\} 1$/m,
    );
    expect(readdirSync(folder)).toEqual(['audit.prom']);
  });

  it('must end in .prom', async () => {
    const ended = await audit(['models/gpt2-relu/model.onnx', '--textfile', '/tmp/x.txt']);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toContain('node_exporter reads no other');
  });

  it('and --push-delete without --push are refused before any work', async () => {
    const ended = await audit(['models/gpt2-relu/model.onnx', '--push-delete']);
    expect(ended).toMatchObject({
      exitCode: 2,
      stderr: 'audit: `--push-delete` needs `--push URL` to say where.\n',
    });
  });
});

function named(name: string) {
  const report = smallReport();
  report.model.name = name;
  return report;
}
