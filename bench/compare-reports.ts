/**
 * Compares the audit reports of two builds, model by model: they must be equal to the byte, times and versions aside.
 *
 *   npm run build && tsc -p tsconfig.bench.json
 *   node dist/bench/compare-reports.js OLD_CHECKOUT [MODEL.onnx …]
 *
 * OLD_CHECKOUT is another checkout of this repository, built. Without models, all shipped ones, their variants and the
 * zoo are compared. Exit code 1 if any report differs.
 */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { audit } from '../src/app/audit.js';
import { formatReport } from '../src/report/json.js';
import type { AuditReport } from '../src/report/schema.js';

type Audit = typeof audit;

const [old, ...named] = process.argv.slice(2);
if (!old) throw new Error('name a built checkout to compare with');
const auditOf = async (checkout: string): Promise<Audit> =>
  (await import(pathToFileURL(resolve(checkout, 'dist/src/index.js')).href)).audit;
const [before, after] = [await auditOf(old), await auditOf('.')];

/** Exports that take one row only. */
const ONE_ROW = /bert-dynamo|llama-handmade/;

let differing = 0;
const models = named.length > 0 ? named : below('models').sort();
for (const model of models) {
  const [was, now] = [await textOf(before, model), await textOf(after, model)];
  if (was === now) continue;
  differing++;
  console.log(`${model}\n${firstDifference(was, now)}`);
}
console.log(`${models.length} models, ${differing} reports differ`);
process.exitCode = differing > 0 ? 1 : 0;

/** Returns the report without times, versions and memory; the sentence of the error where there is no report. */
async function textOf(build: Audit, model: string): Promise<string> {
  const options = { model, tokens: 64, seqLen: 8, batchSize: ONE_ROW.test(model) ? 1 : 3, threads: 1 };
  try {
    return plain(await build({ ...options, ...(model.startsWith('models/zoo') && { data: 'random' }) }));
  } catch {
    return build({ model, data: 'random', tokens: 64, threads: 1 }).then(
      plain,
      (error: Error) => error.message,
    );
  }
}

function plain(report: AuditReport): string {
  const { tool: _, createdAt: __, runtime, ...rest } = report;
  const { device, provider } = runtime;
  return formatReport({ ...rest, runtime: { device, provider } } as AuditReport);
}

function firstDifference(was: string, now: string): string {
  const [a, b] = [was.split('\n'), now.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  const cut = (line: string | undefined): string => (line ?? '(nothing)').slice(0, 200);
  return `  line ${at + 1}\n  - ${cut(a[at])}\n  + ${cut(b[at])}`;
}

function below(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return below(path);
    return entry.name.endsWith('.onnx') ? [path] : [];
  });
}
