import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNpz } from '../../src/data/arrays/npz.js';
import { openAuditedFile } from '../../src/measure/audited-model.js';
import { loadState } from '../../src/measure/resume.js';
import { encodeOverlay } from '../../src/probe/overlay.js';
import { readStripRecord } from '../../src/repair/strip/record.js';
import { readReport } from '../../src/report/json.js';

/** One reader of files that somebody else may have made. */
export interface Target {
  name: string;
  /** Whole files that are spoiled. */
  originals: Buffer[];
  /** Share of all cases. */
  share: number;
  /** Reads a spoiled file. A UserError is the right answer; anything else that is thrown is a bug. */
  read(path: string): Promise<unknown>;
}

const folder = (path: string, ending: string, most: number): Buffer[] =>
  readdirSync(path)
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(path, name)))
    .filter(({ length }) => length <= most)
    .sort((a, b) => a.length - b.length);

/** Largest model that is spoiled: small files are spoiled at more of their places. */
const MOST_MODEL_BYTES = 24_000;

/** The readers, with small files made by the tool itself: a report, a resume state and the record of a strip. */
export async function fuzzTargets(): Promise<Target[]> {
  const made = await makeFiles();
  return [
    {
      name: 'model',
      originals: folder('models/zoo/files', '.onnx', MOST_MODEL_BYTES),
      share: 0.3,
      async read(path) {
        const { model, folder, sites } = (await openAuditedFile({ model: path })).copy();
        if (sites.length > 0) encodeOverlay(model, folder);
      },
    },
    { name: 'report', originals: made.reports, share: 0.2, read: readReport },
    { name: 'resume state', originals: made.states, share: 0.2, read: (path) => loadState(path, {}) },
    { name: 'strip record', originals: made.records, share: 0.2, read: readStripRecord },
    {
      name: 'npz archive',
      originals: [readFileSync('samples/graph.npz'), readFileSync('models/mlp/inputs.npz')],
      share: 0.1,
      read: readNpz,
    },
  ];
}

async function makeFiles(): Promise<Record<'reports' | 'states' | 'records', Buffer[]>> {
  const { audit } = await import('../../src/app/audit.js');
  const { strip } = await import('../../src/repair/strip/strip.js');
  const { formatReport } = await import('../../src/report/json.js');
  const work = mkdtempSync(join(tmpdir(), 'audit-fuzz-seed-'));
  try {
    const resume = join(work, 'state.json');
    const report = await audit({
      model: 'models/zoo/files/mlp-gemm-ts17.onnx',
      data: 'random',
      tokens: 64,
      resume,
    });
    const small = { ...report, sites: report.sites.slice(0, 1), layers: report.layers.slice(0, 1) };
    const output = join(work, 'stripped.onnx');
    const mlp = { model: 'models/mlp/model.onnx', data: 'models/mlp/inputs.npz' };
    await strip({ ...mlp, to: { output }, sites: ['0.mlp_post'] });
    writeFileSync(join(work, 'report.json'), formatReport(small));
    return {
      reports: [readFileSync(join(work, 'report.json'))],
      states: [readFileSync(resume)],
      records: [readFileSync(`${output}.strip.json`)],
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
