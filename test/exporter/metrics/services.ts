import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';

// Real services on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

/** A port that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const started = new Set<ChildProcess>();
const folders: string[] = [];

/** Starts a real service; it ends with the test file. */
export function start(command: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let log = '';
  child.stdout?.on('data', (text) => {
    log = (log + text).slice(-4000);
  });
  child.stderr?.on('data', (text) => {
    log = (log + text).slice(-4000);
  });
  started.add(child);
  child.on('error', (error) => {
    log += error.message;
  });
  child.on('close', () => started.delete(child));
  logs.set(child, () => log);
  return child;
}

const logs = new WeakMap<ChildProcess, () => string>();

/** Waits until `url` answers with a status below 400. */
export async function ready(url: string, child?: ChildProcess, seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const ok = await fetch(url).then(
      (response) => response.status < 400,
      () => false,
    );
    if (ok) return;
    const log = child ? (logs.get(child)?.() ?? '') : '';
    if (child && (child.exitCode !== null || child.signalCode !== null)) throw new Error(`it ended: ${log}`);
    if (Date.now() > end) throw new Error(`no answer from ${url} after ${seconds} s: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until `get` gives something true. */
export async function until<T>(
  get: () => Promise<T> | T,
  what: string,
  seconds = 60,
): Promise<NonNullable<T>> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await get();
    if (found) return found as NonNullable<T>;
    if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-monitoring-'));
  folders.push(folder);
  return folder;
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  return new Promise((resolve) => child.on('close', resolve));
}

afterAll(async () => {
  await Promise.all([...started].map((child) => stop(child)));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
