/**
 * How long /metrics takes while a model is being audited: requests at a fixed rate, first with the exporter idle, then
 * during an audit.
 *
 *   npx tsc --noEmit false --outDir dist && node dist/bench/serve-load.js gpt2-124m.onnx [--seconds 60] [--rate 20]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '20' },
    tokens: { type: 'string', default: '200000' },
    data: { type: 'string', default: 'random' },
    threads: { type: 'string', default: '0' },
  },
});
const [model] = positionals;
if (!model) throw new Error('name a model: node dist/bench/serve-load.js MODEL.onnx');
const seconds = Number(values.seconds);
const perSecond = Number(values.rate);

const folder = mkdtempSync(join(tmpdir(), 'audit-serve-load-'));
const models = join(folder, 'models');
mkdirSync(models);
for (const name of [basename(model), 'tokenizer.json', `${basename(model)}_data`]) {
  const from = join(dirname(resolve(model)), name);
  if (existsSync(from)) place(from, join(models, name));
}
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const main = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const server = spawn(
  process.execPath,
  [
    ...[main, 'serve', '--models', models, '--state', join(folder, 'state'), '--port', String(port)],
    ...[
      '--data',
      values.data,
      '--tokens',
      values.tokens,
      '--threads',
      values.threads,
      '--log-level',
      'error',
    ],
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);
try {
  await until(async () => (await fetch(`${url}/readyz`)).ok);
  const name = basename(model, '.onnx');
  // The first audit gives the exporter its series; idle and during the second one it is measured with all of them there.
  await start(name, { tokens: 512 });
  await until(async () => (await jobs()).every(({ status }) => status !== 'running' && status !== 'queued'));
  const idle = await load(20);
  const { id } = await start(name, {});
  await until(async () => (await job(id)).progress !== null);
  const busy = await load(seconds);
  const after = await job(id);
  if (after.status !== 'running')
    process.stdout.write(`The audit ended early (${after.status}): give more --tokens.\n`);
  const text = await (await fetch(`${url}/metrics`)).text();
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  print('idle', idle);
  print(`auditing ${name}`, busy);
  const { positions = 0, elapsedSeconds = 0 } = after.progress ?? {};
  process.stdout.write(
    `${series} series, ${text.length} bytes; ${positions} positions audited in ${elapsedSeconds.toFixed(1)} s meanwhile\n`,
  );
} finally {
  await stop(server);
  rmSync(folder, { recursive: true, force: true });
}

/** Requests at a fixed rate, whether or not the ones before were answered: a slow answer is not left out. */
async function load(duration: number): Promise<number[]> {
  const times: number[] = [];
  const pending: Promise<void>[] = [];
  const begun = performance.now();
  for (let i = 0; i < duration * perSecond; i++) {
    const due = begun + (i * 1000) / perSecond;
    await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())));
    pending.push(
      (async () => {
        const sent = performance.now();
        await (await fetch(`${url}/metrics`)).text();
        times.push(performance.now() - sent);
      })(),
    );
  }
  await Promise.all(pending);
  return times.sort((a, b) => a - b);
}

function print(title: string, times: number[]): void {
  const at = (p: number) => times[Math.min(times.length - 1, Math.ceil(p * times.length) - 1)]!.toFixed(1);
  process.stdout.write(
    `${title.padEnd(24)} n ${times.length}  p50 ${at(0.5)} ms  p95 ${at(0.95)} ms  p99 ${at(0.99)} ms  max ${at(1)} ms\n`,
  );
}

interface Job {
  id: string;
  status: string;
  progress: { positions: number; elapsedSeconds: number } | null;
}

async function start(model: string, options: object): Promise<Job> {
  const answer = await fetch(`${url}/api/v1/audits`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, options }),
  });
  if (answer.status !== 202) throw new Error(await answer.text());
  return (await answer.json()) as Job;
}

async function jobs(): Promise<Job[]> {
  return (await (await fetch(`${url}/api/v1/audits`)).json()) as Job[];
}

async function job(id: string): Promise<Job> {
  const found = (await (await fetch(`${url}/api/v1/audits/${id}`)).json()) as Job & { error: string | null };
  if (found.error !== null) throw new Error(found.error);
  return found;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    if (await holds().catch(() => false)) return;
    if (server.exitCode !== null) throw new Error('the server ended');
    await new Promise((done) => setTimeout(done, 300));
  }
}

/** A hard link where that works: models are large, and a symbolic link that leads outside is refused. */
function place(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  return new Promise((done) => child.on('close', () => done()));
}
