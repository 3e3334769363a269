import { UserError } from '../errors.js';
import { percent } from '../settings/setting.js';
import { FIELDS, type Field, isRatio } from './fields.js';
import { GRAPH_FIELDS, type GraphField, isGraphField } from './graph-fields.js';
import { SITE_KINDS } from './summary.js';

/**
 * A rule of the gate, read from `RULE := [AGG "("] SELECTOR "." FIELD [")"] CMP NUMBER`. It fails when it
 * holds.
 */
export interface Rule {
  /** As it was written. */
  text: string;
  aggregate: Aggregate | null;
  selector: string;
  field: Field | GraphField;
  comparison: Comparison;
  limit: number;
}

const AGGREGATES = ['max', 'min', 'mean'] as const;
export type Aggregate = (typeof AGGREGATES)[number];
const COMPARISONS = ['>=', '<=', '>', '<'] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** The grammar of rules, for whoever wrote one that cannot be read. */
export const GRAMMAR = `RULE      [AGG "("] SELECTOR "." FIELD [")"] CMP NUMBER
AGG       ${AGGREGATES.join(' | ')}
SELECTOR  a site id, with * for anything (5.mlp_post, *.mlp_post,
          decoder.*.attn_out.cross); or a site name alone, for all its
          neurons in the model: ${SITE_KINDS.join(', ')}
FIELD     ${wrap(FIELDS, 66).join('\n          ')}
          of graphs, also of the selector output: ${wrap(Object.keys(GRAPH_FIELDS), 55).join('\n          ')}
CMP       > | >= | < | <=
NUMBER    0.05; of a ratio also 5%
e.g.      mlp_post.dead_ratio > 0.05, 5.mlp_post.silent > 0,
          max(*.mlp_post.dead_ratio) > 10%`;

/**
 * Reads a rule.
 *
 * @throws UserError that points at the column where it stops making sense, and shows the grammar.
 */
export function parseRule(text: string): Rule {
  const scan: Scanner = new Scanner(text);
  const call = scan.take(/(\w+)\s*\(\s*/y);
  const aggregate = (call?.[1] ?? null) as Aggregate | null;
  if (aggregate && !AGGREGATES.includes(aggregate))
    scan.fail(0, `expected ${AGGREGATES.join(', ')} before (`);
  const { selector, field } = path(scan);
  if (call && !scan.take(/\s*\)/y)) scan.fail(scan.at, 'expected )');
  const comparison = scan.take(/\s*(>=|<=|>|<)\s*/y)?.[1] as Comparison | undefined;
  if (!comparison) {
    const hint = scan.done ? ' (quote the rule: a shell takes a bare > for a redirection)' : '';
    scan.fail(scan.at, `expected >, >=, < or <=${hint}`);
  }
  const limit = readLimit(scan, field);
  scan.take(/\s*/y);
  if (!scan.done) scan.fail(scan.at, 'expected the end of the rule');
  return { text: text.trim(), aggregate, selector, field, comparison, limit };
}

/** Reads a number, or the percentage of a ratio. */
function readLimit(scan: Scanner, field: Rule['field']): number {
  const number = scan.take(/[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/iy)?.[0];
  if (number === undefined) scan.fail(scan.at, 'expected a number, such as 0.05 or 5%');
  const sign = scan.take(/\s*%/y);
  if (sign && !isRatio(field)) scan.fail(scan.at - 1, `\`${field}\` is no ratio, so its limit takes no %`);
  return sign ? percent(number) : Number(number);
}

/** Returns true if the comparison holds. */
export function holds(value: number, comparison: Comparison, limit: number): boolean {
  switch (comparison) {
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
  }
}

/** Reads SELECTOR "." FIELD: the last dot divides them. */
function path(scan: Scanner): { selector: string; field: Field | GraphField } {
  const start = scan.at;
  const whole = scan.take(/[\w.*-]+/y)?.[0];
  if (whole === undefined) scan.fail(start, 'expected a site, such as mlp_post or *.mlp_post');
  const dot = whole.lastIndexOf('.');
  if (dot <= 0) scan.fail(start, `expected SITE.FIELD, such as mlp_post.dead_ratio; \`${whole}\` has no dot`);
  const field = whole.slice(dot + 1);
  if (!isField(field) && !isGraphField(field)) scan.fail(start + dot + 1, `\`${field}\` is no FIELD`);
  return { selector: whole.slice(0, dot), field };
}

function isField(name: string): name is Field {
  return (FIELDS as readonly string[]).includes(name);
}

class Scanner {
  at: number;

  constructor(private readonly text: string) {
    this.at = text.length - text.trimStart().length;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  /** Matches a sticky pattern here and moves on to its end. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match) this.at = pattern.lastIndex;
    return match;
  }

  fail(at: number, expected: string): never {
    throw new UserError(`The rule cannot be read at column ${at + 1}: ${expected}.`, 'rule-syntax', {
      details: ['', `  ${this.text}`, `  ${' '.repeat(at)}^`, '', ...GRAMMAR.split('\n')],
    });
  }
}

function wrap(words: readonly string[], width: number): string[] {
  const lines = [''];
  for (const word of words) {
    const line = lines.at(-1)!;
    if (line.length + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
