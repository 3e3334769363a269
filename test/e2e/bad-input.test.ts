import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildFile } from '../build.js';
import { audit } from '../cli/audit.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-bad-'));
const model = 'models/variants/gpt2-ts17.onnx';

function file(name: string, bytes: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A copy of the model with external data whose data file is then spoiled. */
function external(name: string, spoil: (folder: string) => void): string {
  const copy = join(folder, name);
  mkdirSync(copy);
  cpSync('models/variants/gpt2-ext', copy, { recursive: true });
  spoil(copy);
  return join(copy, 'model.onnx');
}

const dataFile = (copy: string): string => join(copy, 'model.onnx.data');

const whole = readFileSync(model);

/** What is wrong, the command, and what the one sentence says. */
const cases: [string, string[], RegExp][] = [
  ['a missing file', [join(folder, 'none.onnx')], /found nothing there/],
  ['a folder', [folder], /found the folder/],
  ['an empty file', [file('empty.onnx', '')], /is empty/],
  [
    'a file cut short',
    [file('short.onnx', whole.subarray(0, 100_000))],
    /ends inside field 7 \(graph\) at byte 100,000: the file is cut short/,
  ],
  ['text', [file('text.onnx', 'This is no model at all, only text.\n'.repeat(9))], /Expected an ONNX model/],
  [
    'a zip',
    [file('zip.onnx', Uint8Array.from([0x50, 0x4b, 3, 4, ...new Array(60).fill(0)]))],
    /Expected an ONNX model.*zip/i,
  ],
  [
    'a pickle',
    [
      file(
        'pickle.onnx',
        Uint8Array.from([0x80, 2, 0x63, ...Buffer.from('torch._utils\n'), ...new Array(60).fill(0)]),
      ),
    ],
    /Expected an ONNX model/,
  ],
  [
    'a varint that runs past the end',
    [file('varint.onnx', new Uint8Array(64).fill(0xff))],
    /ONNX model|damaged/,
  ],
  ['a nesting bomb', [file('bomb.onnx', bomb(3999))], /nested|deep/],
  ['a graph without sites', [plain()], /No MLP activation and no attention output/],
  ['an unknown data name', [model, '--data', 'wikitxt'], /wikitext.*|sample/],
  ['a tokenizer with more ids than the model', [model, '--tokenizer', 'models/gpt2'], /128/],
  ['an unknown criterion', [model, '--dead', 'sleepy'], /frequency, silent, sum, mean-abs, dormant/],
  ['a rule that cannot be read', [model, '--fail-on', 'mlp_post > 1'], /RULE/],
  [
    'a missing external data file',
    [external('gone', (copy) => rmSync(dataFile(copy)))],
    /external data|expected.*bytes|empty/i,
  ],
  ['an input that nobody can fill', [strange()], /"mystery" \(float32 \[3, 5, 7\]\).*--data feeds\.npz/s],
];

function bomb(depth: number): Uint8Array {
  let bytes = Buffer.alloc(0);
  for (let i = 0; i < depth; i++) {
    const length: number[] = [];
    for (let n = bytes.length; ; n >>>= 7) {
      length.push(n > 127 ? (n & 127) | 128 : n);
      if (n <= 127) break;
    }
    // From the inside out: AttributeProto.g (6), NodeProto.attribute (5), GraphProto.node (1).
    bytes = Buffer.concat([Buffer.from([[0x32, 0x2a, 0x0a][i % 3]!, ...length]), bytes]);
  }
  return Buffer.concat([Buffer.from([0x08, 0x08, 0x3a]), varint(bytes.length), bytes]);
}

function varint(n: number): Buffer {
  const bytes: number[] = [];
  for (let rest = n; ; rest >>>= 7) {
    bytes.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.from(bytes);
  }
}

function plain(): string {
  return buildFile({
    inputs: { x: ['float32', ['n', 2]] },
    nodes: [['Identity', ['x'], ['y']]],
    outputs: ['y'],
  });
}

function strange(): string {
  return buildFile({
    inputs: { input_ids: ['int64', ['b', 's']], mystery: ['float32', [3, 5, 7]] },
    initializers: { w: ['float32', [7, 4], 1], table: ['float32', [9, 4], 1] },
    nodes: [
      ['Gather', ['table', 'input_ids'], ['e']],
      ['MatMul', ['mystery', 'w'], ['h']],
      ['Relu', ['h'], ['y']],
    ],
    outputs: ['y', 'e'],
  });
}

describe('bad input gets one sentence and exit 2', () => {
  test.each(cases)('%s', async (_what, args, says) => {
    const report = join(folder, `report-${Math.random()}.json`);
    const { exitCode, stdout, stderr } = await audit([...args, '--report', report]);
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^audit: /);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
    expect(() => readFileSync(report)).toThrow();
  });

  test('external data that a link leads elsewhere', async () => {
    const path = external('linked', (copy) => {
      const data = dataFile(copy);
      const elsewhere = join(mkdtempSync(join(tmpdir(), 'audit-elsewhere-')), 'weights');
      cpSync(data, elsewhere);
      rmSync(data);
      symlinkSync(elsewhere, data);
    });
    const { exitCode, stderr } = await audit([path, '--data', 'random']);
    expect(stderr).toMatch(/outside|folder/);
    expect(exitCode).toBe(2);
  });
});
