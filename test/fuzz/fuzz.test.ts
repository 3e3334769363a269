import fs, { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RunError, UserError } from '../../src/errors.js';
import { type AuditedModel, openAuditedFile } from '../../src/measure/audited-model.js';
import { auditOverlay } from '../../src/probe/overlay.js';
import { openSession } from '../../src/runtime/session.js';
import { completeCriterion } from '../../src/stats/criteria.js';
import { mutate, randomFrom } from './mutate.js';

/** `npm run fuzz` sets these. */
const COUNT = Number(process.env.FUZZ_COUNT ?? 400);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** Of the spoiled files that still make an overlay, every so many-th is also opened by ONNX Runtime. */
const SESSION_EVERY = 40;
/** Far above what the largest of these files takes. */
const HANG_MS = 5_000;

const onnxBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name));
const originals = [
  ...onnxBelow('models/variants'),
  ...onnxBelow('models/zoo/files'),
  'models/mlp/model.onnx',
  'models/gcn/model.onnx',
];

const folder = mkdtempSync(join(tmpdir(), 'audit-fuzz-'));
const opened = new Set<string>();

/** Notes every file that is opened, however it is done. */
const real = { openSync: fs.openSync, readFileSync: fs.readFileSync, writeFileSync: fs.writeFileSync };
beforeAll(() => {
  for (const name of ['openSync', 'readFileSync', 'writeFileSync'] as const) {
    fs[name] = ((path: fs.PathOrFileDescriptor, ...rest: unknown[]) => {
      if (typeof path === 'string') opened.add(resolve(path));
      return (real[name] as (...args: unknown[]) => unknown)(path, ...rest);
    }) as never;
  }
  syncBuiltinESMExports();
});
afterAll(() => {
  Object.assign(fs, real);
  syncBuiltinESMExports();
  rmSync(folder, { recursive: true, force: true });
});

describe('a spoiled file', () => {
  test(`never crashes, hangs or reaches out of its folder (${COUNT} files, seed ${SEED})`, {
    timeout: 0,
  }, async () => {
    const next = randomFrom(SEED);
    let [overlays, refused, sessions] = [0, 0, 0];
    for (let i = 0; i < COUNT; i++) {
      const original = originals[Math.floor(next() * originals.length)]!;
      const { bytes, how } = mutate(real.readFileSync(original), next);
      const what = `${original} no. ${i}, seed ${SEED}: ${how}`;
      const model = spoiled(original, bytes);
      opened.clear();
      const begun = performance.now();
      const selected = await look(model, what);
      expect(performance.now() - begun, what).toBeLessThan(HANG_MS);
      expect(
        [...opened].filter((path) => isElsewhere(path)),
        what,
      ).toEqual([]);
      if (!selected) {
        refused++;
        continue;
      }
      const overlay = makeOverlay(selected, what);
      if (overlay && ++overlays % SESSION_EVERY === 0) {
        sessions++;
        await trySession(overlay, selected, what);
      }
    }
    expect(refused).toBeGreaterThan(COUNT / 20);
    expect(overlays).toBeGreaterThan(COUNT / 20);
    if (COUNT >= 400) expect(sessions).toBeGreaterThan(0);
  });
});

function spoiled(original: string, bytes: Buffer): string {
  const model = join(folder, 'model.onnx');
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  for (const name of readdirSync(dirname(original))) {
    if (name.endsWith('.data')) cpSync(join(dirname(original), name), join(folder, name));
  }
  writeFileSync(model, bytes);
  return model;
}

/** Opening and finding sites either works or says in a sentence what is wrong. */
async function look(model: string, what: string): Promise<AuditedModel | null> {
  try {
    return (await openAuditedFile({ model })).copy();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw new Error(what, { cause: error });
  }
}

function makeOverlay(selected: AuditedModel, what: string): Uint8Array | null {
  if (selected.sites.length === 0) return null;
  try {
    const options = { criterion: completeCriterion(), masked: false, countNonFinite: false };
    return auditOverlay(selected.model, selected.sites, selected.folder, options).bytes;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw new Error(what, { cause: error });
  }
}

/** ONNX Runtime may refuse the overlay or even crash: in its own process, and we hear of it in a sentence. */
async function trySession(
  model: Uint8Array,
  { folder: own, name }: AuditedModel,
  what: string,
): Promise<void> {
  try {
    const session = await openSession({ model, folder: own, name, device: 'cpu', threads: 1 });
    await session.dispose();
  } catch (error) {
    if (!(error instanceof UserError || error instanceof RunError)) throw new Error(what, { cause: error });
  }
}

const project = resolve('.');
function isElsewhere(path: string): boolean {
  return !path.startsWith(folder) && !path.startsWith(project) && !path.startsWith('/proc/');
}
