import { number } from '../../../report/format.js';
import type { ModelEntry, ReportEntry } from '../../schema.js';
import type { Point } from '../charts/scale.js';
import { type Html, html } from '../html.js';

/** Shows the verdict of a gate. Words and a sign say it, so that nothing depends on colour alone. */
export function verdict(gate: ReportEntry['gate']): Html {
  if (gate === null) return html`<span class="dim">no rules</span>`;
  return gate === 'passed'
    ? html`<span class="badge passed">✓ passed</span>`
    : html`<span class="badge failed">✗ gate failed</span>`;
}

/** Shows one rule of a gate with its outcome. */
export function ruleVerdict(passed: boolean): Html {
  return passed
    ? html`<span class="badge passed">✓ passed</span>`
    : html`<span class="badge failed">✗ failed</span>`;
}

/** Shows a sentence; what it has in backticks is code. */
export function sentence(text: string): Html {
  // Between the matches stand the parts without backticks, and the groups are every second part.
  return html`${text.split(/`([^`]*)`/).map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** Words and look of a model's state. */
const STATES = {
  failed: ['✗ audit failed', 'failed'],
  running: ['● running', 'running'],
  queued: ['○ waiting', 'waiting'],
  'not-audited': ['– not audited yet', 'none'],
} as const;

/** Shows what is known of a model: the verdict of its last audit, or why there is none. */
export function modelState({ state, latest, failure }: ModelEntry): Html {
  const lastVerdict = latest && (latest.gate === null ? audited : verdict(latest.gate));
  if (state === 'audited') return lastVerdict ?? audited;
  const [words, look] = STATES[state];
  const badge = html`<span class="badge ${look}">${words}</span>`;
  const before = (state === 'running' || state === 'queued') && (failure ? lastFailed : lastVerdict);
  return html`${badge}${before && html` <span class="before">${before}</span>`}`;
}

const audited = html`<span class="badge passed">✓ audited</span>`;
const lastFailed = html`<span class="badge failed">✗ last audit failed</span>`;

/** Shows a time in UTC; the script adds the local time and the age under the pointer. */
export function when(time: string): Html {
  return html`<time class="nowrap" datetime="${time}">${time.slice(0, 16).replace('T', ' ')}</time>`;
}

/** Makes points of reports: by training step where every report has one, else by time. */
export function pointsOf(reports: ReportEntry[]): Point[] {
  const bySteps = reports.every(({ step }) => step !== null);
  const points = reports.map(({ step, createdAt, deadRatio }) => ({
    label: bySteps ? `step ${number(step!)}` : createdAt.slice(0, 16).replace('T', ' '),
    x: bySteps ? step! : Date.parse(createdAt),
    y: deadRatio,
  }));
  return points.sort((a, b) => a.x - b.x);
}

/** A column of a table. */
export interface Column {
  name: string;
  isNumber?: boolean;
  /** Key of the rows' `data-` attribute by which the column can be sorted; a column without it cannot. */
  sort?: string;
}

/**
 * Gives the head of a table. Buttons to sort by are made by the script, so that none is there that does
 * nothing.
 */
export function tableHead(columns: Column[]): Html {
  const cells = columns.map(({ name, isNumber, sort }) => {
    return html`<th scope="col" role="columnheader"${isNumber && html` class="number"`}${sort !== undefined && html` data-sort="${sort}"`}>${name}</th>`;
  });
  return html`<thead role="rowgroup"><tr role="row">${cells}</tr></thead>`;
}

/**
 * Gives a cell of a table. Narrow screens show a row as a card, with the name of the column before each
 * value; the roles keep the table a table there for screen readers.
 */
export function cell(column: string, content: Html | string | number, look = ''): Html {
  return html`<td role="cell" data-label="${column}"${look !== '' && html` class="${look}"`}>${content}</td>`;
}

/** Wraps a table so that it scrolls by itself where it is wider than the page. */
export function scrolling(name: string, table: Html): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${name}">${table}</div>`;
}

export function modelLink(name: string): Html {
  return html`<a href="/models/${encodeURIComponent(name)}">${name}</a>`;
}

/**
 * A button that starts an audit of a model with the server's own settings. It is off while one waits or runs.
 *
 * @param form Proof that the page made the form, see `Auth`.
 */
export function auditButton({ name, state }: ModelEntry, form: string): Html {
  const isOff = state === 'queued' || state === 'running';
  return html`<form class="inline" method="post" action="/models/${encodeURIComponent(name)}/audit"><input type="hidden" name="form" value="${form}"><button aria-label="Audit ${name} now"${isOff && html` disabled`}>Audit now</button></form>`;
}
