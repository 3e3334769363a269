import { z } from 'zod';
import { FORMATS } from '../report/render.js';
import { SARIF_LEVELS } from '../report/sarif.js';
import { CRITERIA } from '../stats/criteria.js';
import type { AuditOptions } from './options.js';

/**
 * Every setting of an audit: the command line's options (in kebab-case) and the keys of `audit.config.json`.
 * Both are checked here, so both accept the same values and say the same where they don't.
 */

const expectations = z.registry<{ expected: string }>();

/** `expected` completes the sentence `Expected … to be `. */
function setting<T extends z.ZodType>(schema: T, expected: string, description: string): z.ZodOptional<T> {
  const described = schema.describe(description);
  expectations.add(described, { expected });
  return described.optional() as z.ZodOptional<T>;
}

const text = z.string().min(1);
const positive = z.int().positive();
const ratio = z.number().min(0).max(1);
const aPath = 'the path of a file';
const aRatio = 'a number from 0 to 1, as in 0.05 or (on the command line) 5%';
const aCount = 'a whole number above 0';

export const settingsSchema = z.strictObject({
  $schema: text.optional(),

  data: setting(text, 'a data name or a path', 'What to feed: a data name or a path (default: sample)'),
  split: setting(text, 'the name of a split', 'Part of the data set (default: test; all nodes of a graph)'),
  tokenizer: setting(
    text,
    'a folder or a hub id',
    'Folder with a tokenizer.json, or a hub id (default: beside the model, else guessed)',
  ),
  tokens: setting(
    z.union([positive, z.literal('all')]),
    `${aCount} or \`all\``,
    'Budget in positions, or `all` (default: 65536)',
  ),
  seqLen: setting(positive, aCount, 'Tokens per sequence (default: what the model takes)'),
  batchSize: setting(positive, aCount, 'Sequences per batch (default: automatic)'),
  shard: setting(
    z
      .string()
      .regex(/^\d+\/\d+$/)
      .refine((shard) => shardOf(shard).index < shardOf(shard).count),
    '`I/N` with 0 ≤ I < N, as in `0/2`',
    'Only the blocks i ≡ I mod N, to be put together by `audit merge`',
  ),
  untilStable: setting(positive, aCount, 'Stop once the dead set has not changed for N batches'),
  resume: setting(text, aPath, 'Keep state in FILE and take a stopped run up again'),

  sites: setting(
    z.array(text).min(1),
    'site names or ids, as in `mlp_post,5.attn_out`',
    'Sites to read: names or ids, `*` allowed (default: all)',
  ),
  layers: setting(
    z.array(z.int().nonnegative()).min(1),
    'layer numbers, as in `0,1,8-11`',
    'Layers to read, counted from 0 (default: all)',
  ),
  map: setting(
    z.record(text, text),
    '`ID=TENSOR`, as in `3.mlp_post=/h.3/act/Mul_3_output_0`',
    'Name a site by hand; `*` allowed in both',
  ),
  plugin: setting(z.array(text), 'the paths of plugins', 'Extra architecture: a JavaScript module'),
  name: setting(text, 'a name', "The model's name in reports (default: its path)"),

  threshold: setting(
    z.number().nonnegative(),
    'a number from 0',
    'A neuron fires where |a| > X (default: 0.001)',
  ),
  firing: setting(
    z.enum(['abs', 'positive']),
    '`abs` or `positive`',
    'What fires: |a| > X, or a > X (default: abs)',
  ),
  dead: setting(
    z.enum(CRITERIA),
    `one of ${CRITERIA.join(', ')}`,
    'Which neurons are dead, see below (default: frequency)',
  ),
  deadBelow: setting(z.number().nonnegative(), 'a number from 0', "The criterion's limit, see below"),

  device: setting(
    z.enum(['auto', 'cpu', 'cuda', 'webgpu']),
    'one of auto, cpu, cuda, webgpu',
    'Where to run: auto (cuda if it works, else cpu), cpu, cuda or webgpu',
  ),
  threads: setting(
    z.int().nonnegative(),
    'a whole number from 0',
    'Threads on the CPU (default: 0, automatic)',
  ),
  checkOutputs: setting(z.boolean(), 'true or false', "Compare the model's outputs with and without probes"),
  hash: setting(z.boolean(), 'true or false', "Whether the report holds the SHA-256 of the model's files"),

  failOn: setting(z.array(text), 'rules, see `audit --help`', 'Fail, with exit code 1, where RULE holds'),
  maxDeadRatio: setting(ratio, aRatio, 'Short for --fail-on "*.mlp_post.dead_ratio > X"'),
  baseline: setting(text, 'the path of a report', 'An earlier report to compare dead ratios with'),
  maxIncrease: setting(ratio, aRatio, "How far above the baseline's a site's dead ratio may be"),
  strict: setting(z.boolean(), 'true or false', 'Warnings that weaken the verdict fail the gate'),

  format: setting(
    z.enum(FORMATS),
    `one of ${FORMATS.join(', ')}`,
    'What standard output carries: table, json or github (default: table)',
  ),
  report: setting(text, aPath, 'Write the report as JSON'),
  junit: setting(text, aPath, 'Write the gate as JUnit XML'),
  markdown: setting(text, aPath, 'Write a summary in Markdown'),
  sarif: setting(text, aPath, 'Write the gate as SARIF 2.1.0'),
  sarifMaxLevel: setting(
    z.enum(SARIF_LEVELS),
    `one of ${SARIF_LEVELS.join(', ')}`,
    'Highest level in the SARIF file (default: error)',
  ),
  push: setting(
    z.url({ protocol: /^https?$/ }),
    'the address of a Pushgateway, as in `http://localhost:9091`',
    'Give the metrics to a Pushgateway (group: job="activation_auditor", model)',
  ),
  pushDelete: setting(
    z.boolean(),
    'true or false',
    "With --push: remove the model's group there, and don't audit",
  ),
  textfile: setting(
    text.regex(/\.prom$|^\/dev\//),
    'the path of a `.prom` file, since node_exporter reads no other',
    "Write the metrics for node_exporter's textfile collector",
  ),
  quiet: setting(z.boolean(), 'true or false', 'Print errors and files only'),
  color: setting(z.boolean(), 'true or false', 'Whether a terminal gets colours'),
  progress: setting(z.boolean(), 'true or false', 'Whether a terminal gets a progress bar'),
});

export type Settings = z.infer<typeof settingsSchema>;
export type SettingName = Exclude<keyof Settings, '$schema'>;

/** What a setting's value has to be; completes `Expected … to be `. */
export function expectedOf(name: SettingName): string {
  return expectations.get(settingsSchema.shape[name].unwrap())!.expected;
}

export function descriptionOf(name: SettingName): string {
  return settingsSchema.shape[name].unwrap().description ?? '';
}

/** The settings that `audit` itself needs; the others are about gates and output. */
export function toAuditOptions(model: string, settings: Settings): AuditOptions {
  const { data, split, tokenizer, tokens, seqLen, batchSize, shard, untilStable, resume } = settings;
  const { sites, layers, map, plugin, name, device, threads, checkOutputs, hash } = settings;
  const { threshold, firing, dead, deadBelow } = settings;
  return {
    model,
    ...given({ data, split, tokenizer, tokens, seqLen, batchSize, untilStable, resume }),
    ...given({ sites, layers, map, name, device, threads, checkOutputs, hash, plugins: plugin }),
    ...given({ shard: shard === undefined ? undefined : shardOf(shard) }),
    criterion: given({ threshold, firing, dead, deadBelow }),
  };
}

/** Without the keys whose value is undefined. */
function given<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function shardOf(text: string): { index: number; count: number } {
  const [index, count] = text.split('/').map(Number);
  return { index: index!, count: count! };
}
