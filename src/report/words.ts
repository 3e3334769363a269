import { FLAGS, type Flag } from '../stats/flags.js';
import { counted, duration, number, percent, printable, quantity, significant } from './format.js';
import type { AuditReport, GateRule } from './schema.js';
import { SITE_KINDS } from './summary.js';

/** What a report says in words; table, Markdown and JUnit share them. */
export interface ReportWords {
  model: string;
  data: string;
  criterion: string;
  run: string;
  /** One sentence per site name, the model's own first. */
  summary: string[];
  /** Flags of the mlp_post neurons; empty when there are none. */
  flags: string;
  capacity: string;
  /** Data points that each layer leaves alive; empty where the network is no rectifier network. */
  alive: string;
}

export function reportWords(report: AuditReport): ReportWords {
  const { model, summary } = report;
  const kinds = [...SITE_KINDS].sort((a, b) => Number(b === 'mlp_post') - Number(a === 'mlp_post'));
  const facts = [
    model.architecture !== model.name && model.architecture,
    `${quantity(model.parameters)} parameters`,
    model.opset !== null && `opset ${model.opset}`,
    model.step !== undefined && `step ${number(model.step)}`,
  ];
  return {
    model: printable(`${model.name}${join('', ...facts)}`),
    data: printable(dataWords(report)),
    criterion: criterionWords(report),
    run: printable(runWords(report)),
    summary: kinds.flatMap((kind) => {
      const total = summary.bySite[kind];
      if (!total) return [];
      const worst = total.dead > 0 ? `, worst ${total.worst.id} with ${percent(total.worst.deadRatio)}` : '';
      const ratio = total.dead > 0 ? ` (${percent(total.deadRatio)})` : '';
      return [`${kind}: ${number(total.dead)} of ${number(total.neurons)} neurons dead${ratio}${worst}`];
    }),
    flags: flagWords(report),
    capacity: capacityWords(report),
    alive: aliveWords(report),
  };
}

/** A gate's rule in one line, without its status: `5.mlp_post: dead_ratio 0.31, rule … > 0.2`. */
export function ruleWords({ rule, value, limit, site }: GateRule): string {
  const where = site === null || rule.startsWith(`${site}.`) ? '' : ` at ${site}`;
  if (limit === null) return `${rule}${where}`;
  const found = value === null ? 'no value' : Number.isInteger(value) ? number(value) : precise(value);
  return `${rule}${where}: ${found}`;
}

function precise(value: number): string {
  const magnitude = Math.abs(value);
  return magnitude >= 1e-6 && magnitude < 1e9 ? significant(value) : value.toPrecision(3);
}

function dataWords({ data }: AuditReport): string {
  const name = `${[data.name, data.variant].filter((part) => part !== null && part !== '').join(' ')}${
    data.split === null ? '' : ` (${data.split})`
  }`;
  const sequences =
    data.seqLen === null ? '' : ` in ${counted(data.sequences, 'sequence')} of ${number(data.seqLen)}`;
  const shards = [data.shard ?? []].flat().map(({ index, count }) => `${index}/${count}`);
  return `${name}${join(
    '',
    `${counted(data.positions, 'position')}${sequences}`,
    shards.length > 0 && `shard ${shards.join(', ')}`,
    !data.complete && 'incomplete',
    data.tokenizer !== null && `tokenizer ${data.tokenizer}`,
  )}`;
}

function criterionWords({ criterion }: AuditReport): string {
  const { firing, threshold, dead, deadBelow, resolution } = criterion;
  const fires = `${firing === 'abs' ? '|a|' : 'a'} > ${threshold}`;
  const rule = {
    frequency: `fires (${fires}) at less than ${percent(deadBelow)} of positions`,
    silent: `never fires (${fires})`,
    sum: `|sum of a| ≤ ${deadBelow}`,
    'mean-abs': `mean |a| ≤ ${deadBelow}`,
    dormant: `mean |a| ≤ ${deadBelow} of the site's mean`,
  }[dead];
  return `${rule}${resolution === null ? '' : ` · resolution ${percent(Math.min(1, resolution))}`}`;
}

function runWords({ runtime }: AuditReport): string {
  const { device, provider, durationSeconds, positionsPerSecond, peakRssBytes } = runtime;
  return `${device}${join(
    '',
    !provider.toLowerCase().startsWith(device) && provider,
    `${duration(durationSeconds)} with loading`,
    positionsPerSecond !== null && `${number(positionsPerSecond)} positions/s`,
    peakRssBytes !== null && `peak memory ${number(peakRssBytes / 2 ** 20)} MiB`,
  )}`;
}

function flagWords({ sites }: AuditReport): string {
  const posts = sites.filter(({ site }) => site === 'mlp_post');
  const counts = FLAGS.map((flag) => [flag, posts.reduce((sum, { flags }) => sum + flags[flag], 0)] as const);
  const carried = counts.filter(([, count]) => count > 0);
  if (carried.length === 0) return '';
  return `mlp_post: ${carried.map(([flag, count]) => `${number(count)} ${FLAG_WORDS[flag]}`).join(', ')}`;
}

const FLAG_WORDS: Record<Flag, string> = {
  silent: 'silent',
  neverPositive: 'never positive',
  dormant: 'dormant',
  constant: 'constant',
  saturated: 'saturated',
  nonFinite: 'not finite',
};

function capacityWords({ summary: { capacity } }: AuditReport): string {
  const { parameters, active, pruned, ratio } = capacity;
  if (active === null) return 'unknown: the weights behind a dead neuron were not found';
  const less = pruned > 0 ? `, ${number(pruned)} pruned` : '';
  return `${percent(ratio)} of ${number(parameters)} parameters active${less}`;
}

function aliveWords({ layers }: AuditReport): string {
  const shares = layers.flatMap(({ aliveShare }) => (aliveShare == null ? [] : [percent(aliveShare)]));
  return shares.length === 0 ? '' : `${shares.join(' → ')} of the data points, layer by layer`;
}

function join(head: string, ...facts: (string | false | null)[]): string {
  return [head, ...facts.filter((fact) => fact !== false && fact !== null)]
    .join(' · ')
    .replace(/^ · /, ' · ');
}
