import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeModel } from '../../src/onnx/encode.js';
import type { FunctionProto, ModelProto } from '../../src/onnx/types.js';
import { buildModel, type GraphSpec, type ModelSpec, type NodeSpec, tensor } from '../build.js';
import { audit } from '../cli/audit.js';
import { bytes, field, preamble } from '../onnx/messages.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-hostile-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Limits that every file of others must end in, from the issue: in seconds of the processor, so on a busy machine, too. */
const MOST_SECONDS = 10;
const MOST_MEGABYTES = 500;

/** Prints what the process has used, as it ends. */
const usage = `process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  process._rawDebug('USED ' + JSON.stringify([maxRSS / 1024, (userCPUTime + systemCPUTime) / 1e6]));
})`;
const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(usage)}`;

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const built = (
  name: string,
  spec: Partial<ModelSpec> & Pick<ModelSpec, 'nodes'>,
  edit = (_: ModelProto) => {},
) => {
  const model = buildModel({ inputs: { x: ['float32', [1, 4]] }, outputs: ['y'], ...spec });
  edit(model);
  return file(name, encodeModel(model));
};
/** A chain from `a` to `b`. */
const chain = (length: number, op: string | ((i: number) => string), a = 'x', b = 'y'): NodeSpec[] =>
  Array.from({ length }, (_, i) => [
    typeof op === 'string' ? op : op(i),
    [i === 0 ? a : `v${i}`],
    [i === length - 1 ? b : `v${i + 1}`],
    {},
    { domain: typeof op === 'string' ? '' : 'local' },
  ]);
const functionOf = (name: string, spec: GraphSpec): FunctionProto => ({
  name,
  domain: 'local',
  input: ['a'],
  output: ['b'],
  attribute: [],
  attributeProto: [],
  node: buildModel(spec).graph!.node,
  opsetImport: [],
  valueInfo: [],
  metadataProps: [],
  unknown: [],
});
const calling = (functions: FunctionProto[]) => (model: ModelProto) => {
  model.functions = functions;
};
const raw = (...fields: Uint8Array[]): Uint8Array => bytes(preamble, field(7, bytes(...fields)));
const repeated = (piece: number[], count: number): Uint8Array =>
  Buffer.alloc(piece.length * count, Uint8Array.from(piece));

/** A field of less than 128 letters as text of one letter a byte, and very many of them as bytes. */
const short = (number: number, text: string): string =>
  String.fromCharCode(number * 8 + 2, text.length) + text;
const many = (count: number, make: (i: number) => string): Uint8Array =>
  Buffer.from(Array.from({ length: count }, (_, i) => make(i)).join(''), 'latin1');

const call = (name: string): NodeSpec => [name, ['x'], ['y'], {}, { domain: 'local', name: 'c' }];
const evil = 'a\n::error file=b::pwned\u001b[31m';
const yes = tensor('bool', [], 1);
const branch = (name: string, nodes: NodeSpec[]): GraphSpec => ({ name, nodes, outputs: ['o'] });

/** What is hostile, the arguments, and what the one sentence says. */
const cases: [string, () => string[], RegExp][] = [
  [
    'six functions that call the next ten times each',
    () => {
      const functions = Array.from({ length: 6 }, (_, k) =>
        functionOf(`F${k}`, {
          nodes: chain(10, k === 5 ? 'Relu' : () => `F${k + 1}`, 'a', 'b'),
          outputs: ['b'],
        }),
      );
      return [built('functions.onnx', { nodes: [call('F0')] }, calling(functions))];
    },
    /at most 100,000 nodes, found more, those of called functions included/,
  ],
  [
    'functions with long names',
    () => {
      const functions = Array.from({ length: 30 }, (_, k) => {
        const inner: NodeSpec = [
          `F${k + 1}`,
          ['a'],
          ['m'],
          {},
          { domain: 'local', name: 'n'.repeat(50_000) },
        ];
        return functionOf(`F${k}`, { nodes: [inner, ...chain(300, 'Relu', 'm', 'b')], outputs: ['b'] });
      });
      return [built('names.onnx', { nodes: [call('F0')] }, calling(functions))];
    },
    /need at most 32\.0 MiB of names/,
  ],
  [
    'a function that calls itself',
    () => {
      const functions = [functionOf('F0', { nodes: chain(50, () => 'F0', 'a', 'b'), outputs: ['b'] })];
      return [built('recursive.onnx', { nodes: [call('F0')] }, calling(functions))];
    },
    /functions that end, found `F0` nested more than 32 calls deep/,
  ],
  ...(
    [
      ['empty nodes', raw(repeated([0x0a, 0], 1e7))],
      ['unknown fields', raw(repeated([0x18, 0], 1e7))],
      ['empty strings of a tensor', raw(field(5, repeated([0x32, 0], 1e7)))],
      ['dimensions', raw(field(5, repeated([0x08, 1], 1e7)))],
      ['functions', bytes(preamble, field(7, repeated([], 0)), repeated([0xca, 0x01, 0], 7e6))],
    ] as [string, Uint8Array][]
  ).map(([what, content]): (typeof cases)[number] => [
    `20 MB of ${what}`,
    () => [file('tiny.onnx', content)],
    /Expected the structure of `.*tiny\.onnx` to take at most 64\.0 MiB of memory/,
  ]),
  [
    'half a million nodes',
    () => {
      const node = (i: number) => short(1, short(1, `v${i}`) + short(2, `v${i + 1}`) + short(4, 'Relu'));
      return [file('half-million.onnx', raw(many(5e5, node)))];
    },
    /to take at most 64\.0 MiB of memory/,
  ],
  [
    'as many nodes as are allowed',
    () => [built('chain.onnx', { nodes: chain(100_000, 'Identity') })],
    /No MLP activation and no attention output was found/,
  ],
  [
    'sparse initializers that claim 16 million elements each',
    () => {
      const nodes = Array.from({ length: 300 }, (_, i): NodeSpec[] => [
        ['Mul', [i === 0 ? 'x' : `r${i}`, `s${i}`], [`m${i}`]],
        ['Relu', [`m${i}`], [i === 299 ? 'y' : `r${i + 1}`]],
      ]).flat();
      return [
        built('sparse.onnx', { nodes }, ({ graph }) => {
          graph!.sparseInitializer = Array.from({ length: 300 }, (_, i) => ({
            values: tensor('float32', [1], 5, `s${i}`),
            indices: tensor('int64', [1], 2),
            dims: [4096n, 4096n],
            unknown: [],
          }));
        }),
      ];
    },
    /No MLP activation and no attention output was found/,
  ],
  [
    '50,000 external tensors on the same bytes',
    () => {
      writeFileSync(join(folder, 'w.bin'), new Uint8Array(4096));
      const entry = short(13, short(1, 'location') + short(2, 'w.bin'));
      const weight = (i: number) => short(5, `\x08\x80\x08\x10\x01${short(8, `w${i}`)}\x70\x01${entry}`);
      return [file('overlapping.onnx', raw(many(5e4, weight)))];
    },
    /No MLP activation and no attention output was found/,
  ],
  [
    'a node without outputs',
    () => [built('no-output.onnx', { nodes: [['Relu', ['x'], []], ...chain(1, 'Relu')] })],
    /Expected the node `Relu_0` to have an output, found none/,
  ],
  [
    'names with control characters and commands of a build',
    () => [built('names-ci.onnx', { nodes: [['Relu', [evil], ['y'], {}, { name: evil }]] })],
    /Relu node `a\\n\\u003a:error file=b::pwned\\u001b\[31m` reads/,
  ],
  [
    'a name of five million letters',
    () => [built('long.onnx', { nodes: [['Relu', ['n'.repeat(5e6)], ['y']]] })],
    /reads `n{500,2000} … .*which nothing defines/,
  ],
  [
    'a loop whose body reads what the loop computes',
    () => {
      const body: GraphSpec = {
        inputs: { i: ['int64', []], c: ['bool', []], s: ['float32'] },
        nodes: [
          ['Identity', ['y'], ['q']],
          ['Identity', ['c'], ['d']],
        ],
        outputs: ['d', 'q'],
      };
      return [built('loop.onnx', { nodes: [['Loop', ['', '', 'x'], ['y'], { body }, { name: 'l' }]] })];
    },
    /Nodes of graph `g` wait for each other: Loop `l`/,
  ],
  [
    'thousands of Ifs with the same names inside',
    () => {
      const nodes = Array.from(
        { length: 2000 },
        (_, i): NodeSpec => [
          'If',
          ['c'],
          [i === 0 ? 'y' : `y${i}`],
          {
            then_branch: branch('t', [
              ['Relu', ['x'], ['v']],
              ['Relu', ['v'], ['o']],
            ]),
            else_branch: branch('e', [['Neg', ['x'], ['o']]]),
          },
          { name: 'same' },
        ],
      );
      return [built('ifs.onnx', { initializers: { c: yes }, nodes })];
    },
    /No MLP activation and no attention output was found/,
  ],
  [
    'a report that unpacks to 1.5 GB',
    () => ['show', file('report.json.gz', Buffer.concat(Array.from({ length: 24 }, () => zeros)))],
    /unpacks to more than 3[\d,]+: that is no report/,
  ],
  [
    'a device as a report',
    () => ['show', '/dev/zero'],
    /Expected `\/dev\/zero` to be a file or a pipe, found a device/,
  ],
  [
    'a device as a configuration',
    () => ['models/mlp/model.onnx', '--config', '/dev/zero'],
    /Expected `\/dev\/zero` to be a file, found a device/,
  ],
];
/** A member of a gzip file: 64 MiB of spaces. */
const zeros = gzipSync(Buffer.alloc(64 << 20, ' '));

describe('a file from somebody else', () => {
  test.each(cases)(
    'ends in one sentence, soon and in little memory: %s',
    { timeout: 120_000 },
    async (_, args, says) => {
      const { exitCode, stdout, stderr } = await audit(args(), { env: { NODE_OPTIONS } });
      const lines = stderr.trimEnd().split('\n');
      const used = lines.filter((line) => line.startsWith('USED ')).map((line) => JSON.parse(line.slice(5)));
      const said = lines.filter((line) => !line.startsWith('USED '));
      expect(said.join('\n')).toMatch(says);
      expect(said).toHaveLength(1);
      expect(exitCode).toBe(2);
      expect(stdout).toBe('');
      const [megabytes, seconds] = used.at(-1) as [number, number];
      expect(megabytes).toBeLessThan(MOST_MEGABYTES);
      expect(seconds).toBeLessThan(MOST_SECONDS);
    },
  );
});
