import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, type Ended, root } from '../cli/audit.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-commands-'));
afterAll(() => rmSync(folder, { recursive: true }));

const model = join(root, 'models/gpt2-relu/model.onnx');
const inFolder = (name: string) => join(folder, name);
const few = ['--tokens', '4096', '--no-hash'];

describe('audit', () => {
  let ended: Ended;
  beforeAll(async () => {
    const files = ['report', 'junit', 'markdown', 'sarif'].flatMap((kind) => [`--${kind}`, inFolder(kind)]);
    ended = await audit([model, ...few, ...files, '--fail-on', 'mlp_post.dead_ratio > 0.01']);
  });

  it('prints a table that fits 80 columns, without colours or a progress bar where there is no terminal', () => {
    expect(ended.stdout).toMatch(/layer +site +act\. +neurons/);
    expect(ended.stdout.split('\n').filter((line) => [...line].length > 80)).toEqual([]);
    expect(`${ended.stdout}${ended.stderr}`).not.toContain('\u001b');
  });

  it('exits with 1 where a rule holds', () => {
    expect(ended.exitCode).toBe(1);
    expect(ended.stdout).toMatch(/✗ gate failed/);
  });

  it('writes every file that was asked for', () => {
    expect(JSON.parse(readFileSync(inFolder('report'), 'utf8'))).toMatchObject({
      kind: 'audit',
      gate: { status: 'failed' },
      data: { complete: true, name: 'sample' },
    });
    expect(readFileSync(inFolder('junit'), 'utf8')).toMatch(/^<\?xml/);
    expect(readFileSync(inFolder('markdown'), 'utf8')).toMatch(/^## /);
    expect(JSON.parse(readFileSync(inFolder('sarif'), 'utf8')).version).toBe('2.1.0');
  });

  it('exits with 0 where no rule holds, and says nothing with --quiet', async () => {
    const quiet = await audit([model, ...few, '--quiet', '--max-dead-ratio', '0.99']);
    expect(quiet).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('says with --quiet why it fails, and nothing else', async () => {
    const failed = await audit([model, ...few, '--quiet', '--max-dead-ratio', '0']);
    expect(failed.stdout).toBe('');
    expect(failed.stderr).toMatch(/^audit: failed: .*dead_ratio > 0 \(\d+\.mlp_post: /m);
    expect(failed.exitCode).toBe(1);
  });

  it('puts nothing but JSON on stdout with --json', async () => {
    const { exitCode, stdout } = await audit([model, ...few, '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).kind).toBe('audit');
  });

  it('tells errors on stderr alone, in a sentence, with exit code 2', async () => {
    const missing = await audit([inFolder('none.onnx'), '--json']);
    expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
    expect(missing.stderr).toMatch(/^audit: .*none\.onnx.*\n$/);
  });

  it('finds audit.config.json in the current folder', async () => {
    writeFileSync(
      inFolder('audit.config.json'),
      JSON.stringify({ tokens: 512, report: 'here.json', hash: false }),
    );
    const { exitCode } = await audit([model], { cwd: folder });
    rmSync(inFolder('audit.config.json'));
    expect(exitCode).toBe(0);
    expect(JSON.parse(readFileSync(inFolder('here.json'), 'utf8')).data.positions).toBe(512);
  });

  it('goes on quietly when the reader of its output has seen enough', async () => {
    const report = inFolder('closed.json');
    const ended = await audit([model, ...few, '--json', '--report', report], {
      started: (child) => child.stdout?.destroy(),
    });
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(readFileSync(report, 'utf8')).kind).toBe('audit');
  });
});

describe('the commands on saved reports', () => {
  it('gate applies rules, with the same exit codes', async () => {
    const failed = await audit(['gate', inFolder('report'), '--fail-on', 'mlp_post.dead_ratio > 0.01']);
    expect(failed.exitCode).toBe(1);
    expect((await audit(['gate', inFolder('report'), '--max-dead-ratio', '0.99'])).exitCode).toBe(0);
    const same = await audit(['gate', inFolder('report'), '--baseline', inFolder('report')]);
    expect([same.exitCode, same.stderr]).toEqual([0, '']);
    expect((await audit(['gate', inFolder('none'), '--strict'])).exitCode).toBe(2);
  });

  it('show prints what the audit printed', async () => {
    const { exitCode, stdout } = await audit(['show', inFolder('report')]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/✗ gate failed/);
  });

  it('diff finds no change between a report and itself', async () => {
    const { exitCode, stdout } = await audit(['diff', inFolder('report'), inFolder('report'), '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'diff', summary: { newlyDead: 0, revived: 0 } });
  });

  it('merge makes the whole of two shards', async () => {
    for (const i of [0, 1]) {
      const shard = ['--shard', `${i}/2`, '--report', inFolder(`shard${i}`), '--quiet'];
      expect((await audit([model, ...few, ...shard])).exitCode).toBe(0);
    }
    const shards = [inFolder('shard0'), inFolder('shard1')];
    expect((await audit(['merge', ...shards, '-o', inFolder('all')])).exitCode).toBe(0);
    const [all, whole] = ['all', 'report'].map((name) => JSON.parse(readFileSync(inFolder(name), 'utf8')));
    expect(all.sites.map((site: { deadNeurons: number[] }) => site.deadNeurons)).toEqual(
      whole.sites.map((site: { deadNeurons: number[] }) => site.deadNeurons),
    );
    expect((await audit(['merge', ...shards, shards[0]!])).exitCode).toBe(2);
  });
});

describe('inspect', () => {
  it('prints sites and the weights behind them, within 80 columns', async () => {
    const { exitCode, stdout } = await audit(['inspect', model, '--explain']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^0\.mlp_post +relu +512/m);
    expect(stdout.split('\n').filter((line) => [...line].length > 80)).toEqual([]);
  });

  it('is JSON for programs', async () => {
    const { stdout } = await audit(['inspect', model, '--json', '--sites', 'mlp_post']);
    const sites: { site: string }[] = JSON.parse(stdout).sites;
    expect(new Set(sites.map(({ site }) => site))).toEqual(new Set(['mlp_post']));
  });
});

describe('doctor', () => {
  it('says that the CPU works, and what the others miss', async () => {
    const { exitCode, stdout } = await audit(['doctor']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/✓ cpu +works/);
    expect(stdout).toMatch(/[✓✗] cuda /);
    expect(stdout).toMatch(/ONNX Runtime +\d+\.\d+/);
  });

  it('is JSON for programs', async () => {
    const { stdout } = await audit(['doctor', '--json']);
    expect(JSON.parse(stdout).devices.map(({ device }: { device: string }) => device)).toEqual([
      'cpu',
      'cuda',
      'webgpu',
    ]);
  });
});
