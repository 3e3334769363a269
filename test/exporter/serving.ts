import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '../../src/exporter/schema.js';
import { root } from '../cli/audit.js';
import { freePort, ready, start, temporaryFolder, until } from './metrics/services.js';

export interface Exporter {
  url: string;
  child: ChildProcess;
  models: string;
  state: string;
  // biome-ignore lint/suspicious/noExplicitAny: the test says what it expects of an answer
  json: (path: string) => Promise<any>;
  text: (path: string) => Promise<string>;
  post: (body: object) => Promise<Response>;
  /** Waits for a job that has this status. */
  job: (status: Job['status'], model?: string) => Promise<Job>;
}

interface Options {
  args?: string[];
  models?: string;
  state?: string;
  env?: Record<string, string>;
}

/** The built command line as a user starts it, on a free port. */
export async function serveExporter({ args = [], models, state, env }: Options = {}): Promise<Exporter> {
  const folder = temporaryFolder();
  const places = { models: models ?? join(folder, 'models'), state: state ?? join(folder, 'state') };
  mkdirSync(places.models, { recursive: true });
  const port = await freePort();
  const own = ['--models', places.models, '--state', places.state, '--port', String(port), '--poll', '100ms'];
  const main = join(root, 'dist/src/cli/main.js');
  const child = start(
    process.execPath,
    [main, 'serve', ...own, '--settle', '0s', '--tokens', '600', ...args],
    env,
  );
  const url = `http://127.0.0.1:${port}`;
  await ready(`${url}/readyz`, child);
  const json: Exporter['json'] = async (path) => (await fetch(url + path)).json();
  return {
    ...places,
    url,
    child,
    json,
    text: async (path) => (await fetch(url + path)).text(),
    post: (body) =>
      fetch(`${url}/api/v1/audits`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    job: (status, model) =>
      until(
        async () => {
          const jobs: Job[] = await json('/api/v1/audits');
          return jobs.find((job) => job.status === status && (model === undefined || job.model === model));
        },
        `an audit of ${model ?? 'any model'} that is ${status}`,
      ),
  };
}

/** Puts a shipped model with what lies beside it into a models folder. */
export function putModel(models: string, shipped: string, name = shipped): void {
  cpSync(join(root, 'models', shipped), join(models, name), { recursive: true });
}
