import { FLAGS, type Flag } from '../stats/flags.js';
import { counted, duration, number, percent, printable, quantity, significant } from './format.js';
import type { AuditReport, GateRule } from './schema.js';
import { SITE_KINDS } from './summary.js';

/** An audit report in words; table, Markdown, JUnit and annotations share them. */
export interface ReportWords {
  model: string;
  data: string;
  criterion: string;
  run: string;
  /** One sentence per site name, that of the MLPs first. */
  summary: string[];
  /** Flags of the mlp_post neurons; empty if there are none. */
  flags: string;
  capacity: string;
  /** Data points that each layer leaves alive; empty unless the network is a rectifier network. */
  alive: string;
}

/** Puts an audit report into words. */
export function reportWords(report: AuditReport): ReportWords {
  return {
    model: printable(modelWords(report)),
    data: printable(dataWords(report)),
    criterion: criterionWords(report),
    run: printable(runWords(report)),
    summary: summaryWords(report),
    flags: flagWords(report),
    capacity: capacityWords(report),
    alive: aliveWords(report),
  };
}

/** Puts a rule of a gate into one line, without its status: `5.mlp_post.dead_ratio > 0.2: 0.31`. */
export function ruleWords({ rule, value, limit, site }: GateRule): string {
  const where = site === null || rule.startsWith(`${site}.`) ? '' : ` at ${site}`;
  if (limit === null) return `${rule}${where}`;
  const found = value === null ? 'no value' : Number.isInteger(value) ? number(value) : precise(value);
  return `${rule}${where}: ${found}`;
}

/** Names a data set: `wikitext wiki.test.raw test`. */
export function dataName({
  name,
  variant,
  split,
}: Pick<AuditReport['data'], 'name' | 'variant' | 'split'>): string {
  return [name, variant, split].filter((part) => part !== null && part !== '').join(' ');
}

/** Names a model and what it was run on: `gpt2 · wikitext test, 4,096 positions`. */
export function modelOnData({ model, data }: Pick<AuditReport, 'model' | 'data'>): string {
  const where = [data.name, data.split].filter((part) => part !== null && part !== '').join(' ');
  return `${model.name} · ${where}, ${counted(data.positions, 'position')}`;
}

/** Names a layer: `5`, or `decoder.5` in a model with several stacks. */
export function layerName({ stack, layer }: { stack: string; layer: number }): string {
  return stack === '' ? String(layer) : `${stack}.${layer}`;
}

/** Names a site within its layer: `mlp_post`, `attn_out.cross`. */
export function siteName({ site, part }: { site: string; part: string }): string {
  return part === '' ? site : `${site}.${part}`;
}

/** Indices that a text lists; the JSON report has them all. */
const SHOWN_INDICES = 20;

/** Lists indices of neurons: `3 17 512`, or the first of many: `3 17 … and 412 more`. */
export function indexList(indices: readonly number[], most = SHOWN_INDICES, separator = ' '): string {
  const more = indices.length - most;
  const shown = indices.slice(0, most).join(separator);
  return more > 0 ? `${shown}${separator.trim()} … and ${number(more)} more` : shown;
}

function modelWords({ model }: AuditReport): string {
  return facts(
    model.name,
    model.architecture !== model.name && model.architecture,
    `${quantity(model.parameters)} parameters`,
    model.opset !== null && `opset ${model.opset}`,
    model.step !== undefined && `step ${number(model.step)}`,
  );
}

function dataWords({ data, sites }: AuditReport): string {
  const name = [data.name, data.variant].filter((part) => part !== null && part !== '').join(' ');
  const shards = [data.shard ?? []].flat().map(({ index, count }) => `${index}/${count}`);
  return facts(
    `${name}${data.split === null ? '' : ` (${data.split})`}`,
    seenWords(data, sites),
    shards.length > 0 && `shard ${shards.join(', ')}`,
    !data.complete && 'incomplete',
    data.tokenizer !== null && `tokenizer ${data.tokenizer}`,
  );
}

/**
 * Says how much data was seen. A site of a convolution sees a position at each pixel, of which the data know
 * nothing.
 */
function seenWords(data: AuditReport['data'], sites: AuditReport['sites']): string {
  const most = mostPositions(sites);
  if (most > data.positions) {
    return `${counted(data.positions, 'input')}, ${number(most)} positions at the largest site`;
  }
  const sequences =
    data.seqLen === null ? '' : ` in ${counted(data.sequences, 'sequence')} of ${number(data.seqLen)}`;
  return `${counted(data.positions, 'position')}${sequences}`;
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
  return facts(rule, resolution !== null && `resolution ${percent(Math.min(1, resolution))}`);
}

function runWords({ runtime, data, sites }: AuditReport): string {
  const { device, provider, durationSeconds, positionsPerSecond, peakRssBytes } = runtime;
  const unit = mostPositions(sites) > data.positions ? 'inputs' : 'positions';
  const rate = positionsPerSecond ?? 0;
  return facts(
    device,
    !provider.toLowerCase().startsWith(device) && provider,
    `${duration(durationSeconds)} with loading`,
    positionsPerSecond !== null && `${rate < 100 ? significant(rate) : number(rate)} ${unit}/s`,
    peakRssBytes !== null && `peak memory ${number(peakRssBytes / 2 ** 20)} MiB`,
  );
}

const mostPositions = (sites: AuditReport['sites']): number =>
  sites.reduce((most, { positions }) => Math.max(most, positions), 0);

function summaryWords({ summary }: AuditReport): string[] {
  const kinds = [...SITE_KINDS].sort((a, b) => Number(b === 'mlp_post') - Number(a === 'mlp_post'));
  return kinds.flatMap((kind) => {
    const total = summary.bySite[kind];
    if (!total) return [];
    const { neurons, dead, deadRatio, worst } = total;
    const ratio =
      dead > 0 ? ` (${percent(deadRatio)}), worst ${worst.id} with ${percent(worst.deadRatio)}` : '';
    return [`${kind}: ${number(dead)} of ${number(neurons)} neurons dead${ratio}`];
  });
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
  if (active === null) return 'unknown: the weights of a dead neuron were not found';
  const less = pruned > 0 ? `, ${number(pruned)} pruned` : '';
  return `${percent(ratio)} of ${number(parameters)} parameters active${less}`;
}

function aliveWords({ layers }: AuditReport): string {
  const shares = layers.flatMap(({ aliveShare }) => (aliveShare == null ? [] : [percent(aliveShare)]));
  return shares.length === 0 ? '' : `${shares.join(' → ')} of the data points, layer by layer`;
}

function precise(value: number): string {
  const magnitude = Math.abs(value);
  return magnitude >= 1e-6 && magnitude < 1e9 ? significant(value) : value.toPrecision(3);
}

/** Joins what there is to say: `cpu · 4.2 s with loading · 12,288 positions/s`. */
export function facts(...parts: (string | false | null)[]): string {
  return parts.filter((part) => part !== false && part !== null && part !== '').join(' · ');
}
