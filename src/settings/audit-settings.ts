import { z } from 'zod';
import { mostThreads } from '../runtime/cores.js';
import { CRITERIA, completeCriterion, DEFAULT_DEAD_BELOW } from '../stats/criteria.js';
import {
  choice,
  fileSetting,
  group,
  magnitude,
  type Setting,
  switchSetting,
  text,
  textSetting,
  wholeNumber,
} from './setting.js';

/** Positions of a batch are counted in float32, which holds whole numbers exactly up to 2²⁴. */
const MOST_OF_A_BATCH = 2 ** 24;
/** More shards, layers or batches than this are a slip of the keyboard. */
const A_MILLION = 1_000_000;

export const DEFAULT_DATA = 'sample';
/** Enough positions to tell a frequency of 0.001 from zero (rule of three: 3,000), in some seconds. */
export const DEFAULT_TOKENS = 65_536;
/** The criterion of an audit that sets none. */
const STANDARD = completeCriterion();

const data = group('Data', {
  data: textSetting('a data name or a path', {
    value: 'name|path',
    help: 'What to feed: a data name or a path',
    default: DEFAULT_DATA,
    path: 'name',
  }),
  split: textSetting(
    'the name of a split, as in `test`',
    {
      value: 'name',
      help: 'Part of the data set',
      otherwise: 'test; all nodes of a graph',
      request: true,
    },
    z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/),
  ),
  tokenizer: textSetting('a folder or a hub id', {
    value: 'dir|id',
    help: 'Folder with a tokenizer.json, or a hub id',
    otherwise: 'beside the model, else guessed',
    path: 'name',
  }),
  tokens: {
    kind: 'number',
    schema: z.union([z.int().min(1), z.literal('all')]),
    expected: 'a whole number from 1 or `all`',
    value: 'n|all',
    help: 'Budget in positions, or `all`',
    default: DEFAULT_TOKENS,
    request: true,
  },
  seqLen: wholeNumber(1, MOST_OF_A_BATCH, {
    help: 'Tokens per sequence',
    otherwise: 'what the model takes',
    request: true,
  }),
  batchSize: wholeNumber(1, MOST_OF_A_BATCH, {
    help: 'Sequences per batch',
    otherwise: 'automatic',
    request: true,
  }),
  shard: textSetting(
    '`I/N` with 0 ≤ I < N, as in `0/2`',
    { value: 'i/n', help: 'Only the blocks i ≡ I mod N, to be put together by `audit merge`' },
    z
      .string()
      .regex(/^\d+\/\d+$/)
      .refine((shard) => shardOf(shard).index < shardOf(shard).count && shardOf(shard).count <= A_MILLION),
  ),
  untilStable: wholeNumber(1, A_MILLION, {
    help: 'Stop once the dead set has not changed for N batches',
    request: true,
  }),
  resume: fileSetting({ help: 'Keep state in FILE and take a stopped run up again' }),
} as const satisfies Record<string, Omit<Setting, 'group'>>);

const model = group('Model', {
  sites: {
    kind: 'names',
    schema: z.array(text).min(1),
    expected: 'site names or ids, as in `mlp_post,5.attn_out`',
    value: 'list',
    help: 'Sites to read: names or ids, `*` allowed',
    otherwise: 'all',
    request: true,
  },
  layers: {
    kind: 'layers',
    schema: z.array(z.int().min(0).max(A_MILLION)).min(1),
    expected: 'layer numbers, as in `0,1,8-11`',
    value: 'list',
    help: 'Layers to read, counted from 0',
    otherwise: 'all',
    request: true,
  },
  map: {
    kind: 'pairs',
    schema: z.record(text, text),
    expected: '`ID=TENSOR`, as in `3.mlp_post=/h.3/act/Mul_3_output_0`',
    value: 'id=tensor',
    help: 'Name a site by hand; `*` allowed in both',
  },
  plugin: {
    kind: 'repeated',
    schema: z.array(text),
    expected: 'the paths of plugins',
    value: 'file',
    help: 'Extra architecture: a JavaScript module',
    path: 'file',
  },
  name: textSetting('a name', {
    value: 'name',
    help: "The model's name in reports",
    otherwise: 'its path',
  }),
} as const satisfies Record<string, Omit<Setting, 'group'>>);

const deadNeurons = group('Dead neurons', {
  threshold: magnitude({ help: 'A neuron fires where |a| > X', default: STANDARD.threshold, request: true }),
  firing: choice(['abs', 'positive'], {
    value: 'abs|positive',
    help: 'What fires: |a| > X, or a > X',
    default: STANDARD.firing,
    request: true,
  }),
  dead: choice(CRITERIA, {
    value: 'criterion',
    help: `Which neurons are dead: ${CRITERIA.join(', ')}`,
    default: STANDARD.dead,
    request: true,
  }),
  deadBelow: magnitude({
    help: "The criterion's limit",
    otherwise: Object.entries(DEFAULT_DEAD_BELOW)
      .filter(([, limit]) => limit !== null)
      .map(([criterion, limit]) => `${limit} of ${criterion}`)
      .join(', '),
    request: true,
  }),
});

const running = group('Running', {
  device: choice(['auto', 'cpu', 'cuda', 'webgpu'], {
    value: 'name',
    help: 'Where to run: auto (cuda if it works, else cpu), cpu, cuda or webgpu',
    default: 'auto',
    request: true,
  }),
  // More threads than cores only wait for each other, and some thousands take a machine down. A schema that
  // is published must not depend on the machine, so the limit is a refinement.
  threads: {
    kind: 'number',
    schema: z
      .int()
      .min(0)
      .refine((threads) => threads <= mostThreads()),
    expected: `a whole number from 0 to ${mostThreads()}, the cores of this machine`,
    value: 'n',
    help: 'Threads on the CPU',
    otherwise: '0, automatic',
  },
  memory: textSetting(
    'an amount of memory, as in `2GB` or `512MB`',
    {
      value: 'bytes',
      help: 'Memory for the activations of a batch; it bounds automatic batches of images and arrays',
      otherwise: 'a quarter of what is available, 512 MB at most',
    },
    z.string().regex(/^\d{1,9}(\.\d{1,3})?\s*[kMGT]i?B$/),
  ),
  checkOutputs: switchSetting({
    help: "Compare the model's outputs with and without probes",
    request: true,
  }),
  hash: switchSetting({
    help: "The report holds the SHA-256 of the model's files",
    helpOff: "Leave out the SHA-256 of the model's files",
  }),
} as const satisfies Record<string, Omit<Setting, 'group'>>);

/** Settings of an audit: its data, its sites, which neurons are dead, and the device. */
export const auditSettings = { ...data, ...model, ...deadNeurons, ...running };

/** Reads `0/2`, the first of two shards. */
export function shardOf(shard: string): { index: number; count: number } {
  const [index, count] = shard.split('/').map(Number);
  return { index: index!, count: count! };
}

/** Returns the bytes of an amount such as `2GB` or `512MiB`. */
export function memoryBytes(text: string): number {
  const [, number, unit, binary] = /^([\d.]+)\s*([kMGT])(i?)B$/.exec(text)!;
  return Number(number) * (binary ? 1024 : 1000) ** ('kMGT'.indexOf(unit!) + 1);
}
