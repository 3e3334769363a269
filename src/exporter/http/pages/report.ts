import { counted, duration, number, percent, quantity } from '../../../report/format.js';
import type { AuditExtract, RuleExtract, SiteExtract } from '../../metrics/extract.js';
import { FREQUENCY_BOUNDS, VALUE_BOUNDS } from '../../metrics/names.js';
import { miniBars } from '../charts/bars.js';
import { type Html, html } from '../html.js';
import { cell, ruleVerdict, scrolling, tableHead, verdict, when } from './parts.js';

/**
 * Shows one audit: its facts, its verdict, a line per site, and the dead neurons. The whole report is a link
 * away.
 */
export function reportPage(id: string, extract: AuditExtract): Html {
  const { model, step, createdAt, positions, data, criterion, durationSeconds, gate, sites } = extract;
  return html`<h1>${model}${step === null ? '' : `, step ${number(step)}`}</h1>
<p class="facts">${verdict(gate?.status ?? null)} ${percent(extract.deadRatio)} of the MLP neurons dead · capacity ${percent(extract.capacityRatio)}</p>
<dl class="terms"><dt>Audited</dt><dd>${when(createdAt)} UTC, in ${duration(durationSeconds)}</dd><dt>Data</dt><dd>${data}, ${counted(positions, 'position')}</dd><dt>Criterion</dt><dd>${criterion}</dd>${extract.warnings > 0 && html`<dt>Warnings</dt><dd>${counted(extract.warnings, 'warning')}, in the whole report</dd>`}</dl>
<p><a href="/api/v1/reports/${id}">Whole report (JSON)</a> · <a href="/models/${encodeURIComponent(model)}">All reports of this model</a></p>
${gate && gate.rules.length > 0 && rules(gate.rules)}
<h2>Sites</h2>
${siteTable(sites)}
${deadNeurons(sites)}`;
}

function rules(all: RuleExtract[]): Html {
  const lines = all.map(({ rule, passed, site, value }) => {
    const found =
      value == null
        ? null
        : html` <span class="dim">${site ?? 'whole model'}: ${significantOf(rule, value)}</span>`;
    return html`<li>${ruleVerdict(passed)} <code>${rule}</code>${found}</li>`;
  });
  return html`<h2>Gate</h2><ul class="rules">${lines}</ul>`;
}

/** Writes a value as percent where the rule is about a ratio, else as a number. */
function significantOf(rule: string, value: number): string {
  return /ratio|frequency/.test(rule) ? percent(value) : quantity(value);
}

function siteTable(sites: SiteExtract[]): Html {
  const head = tableHead([
    { name: 'Site', sort: 'order' },
    { name: 'Neurons', isNumber: true, sort: 'neurons' },
    { name: 'Dead', isNumber: true, sort: 'dead' },
    { name: 'Ratio', isNumber: true, sort: 'ratio' },
    { name: 'How often neurons fire' },
    { name: 'Values' },
    { name: 'Newly dead', isNumber: true, sort: 'newly' },
    { name: 'Revived', isNumber: true, sort: 'revived' },
    { name: 'Dormant', isNumber: true, sort: 'dormant' },
    { name: 'Constant', isNumber: true, sort: 'constant' },
    { name: 'Non-finite', isNumber: true, sort: 'nonfinite' },
  ]);
  return scrolling(
    'Sites',
    html`<table class="sortable" role="table" aria-label="Sites">${head}<tbody role="rowgroup">${sites.map(siteRow)}</tbody></table>`,
  );
}

function siteRow(site: SiteExtract, order: number): Html {
  const { id, neurons, dead, deadRatio, frequency, values, newlyDead, revived, flags, nonFiniteValues } =
    site;
  const keys = html`data-order="${order}" data-neurons="${neurons}" data-dead="${dead}" data-ratio="${deadRatio ?? ''}" data-newly="${newlyDead ?? ''}" data-revived="${revived ?? ''}" data-dormant="${flags.dormant}" data-constant="${flags.constant}" data-nonfinite="${nonFiniteValues}"`;
  const link =
    dead > 0 ? html`<a href="#dead-${order}">${number(dead)}</a>` : html`<span class="dim">0</span>`;
  const count = (value: number | null) =>
    value === null
      ? html`<span class="dim">–</span>`
      : value === 0
        ? html`<span class="dim">0</span>`
        : number(value);
  return html`<tr role="row" ${keys}><th scope="row" role="rowheader">${id}</th>${cell('Neurons', number(neurons), 'number')}${cell('Dead', link, 'number')}${cell('Ratio', percent(deadRatio), 'number')}
${cell('How often neurons fire', miniBars(frequency.counts, FREQUENCY_NAMES, 'neurons'))}${cell('Values', values ? miniBars(values.counts, VALUE_NAMES, 'values') : '–')}
${cell('Newly dead', count(newlyDead), 'number')}${cell('Revived', count(revived), 'number')}${cell('Dormant', count(flags.dormant), 'number')}${cell('Constant', count(flags.constant), 'number')}${cell('Non-finite', count(nonFiniteValues), 'number')}</tr>`;
}

const FREQUENCY_NAMES = [
  'never fired',
  ...FREQUENCY_BOUNDS.slice(1).map((bound) => `up to ${percent(bound)} of positions`),
  'up to 100% of positions',
];
const VALUE_NAMES = [...VALUE_BOUNDS.map((bound) => `up to ${bound}`), `above ${VALUE_BOUNDS.at(-1)}`];

/** Lists the dead neurons of each site by index, as many as the extract holds. */
function deadNeurons(sites: SiteExtract[]): Html {
  const lists = sites.flatMap(({ id, dead, deadNeurons: indices }, order) => {
    if (dead === 0) return [];
    const more = dead - (indices?.length ?? 0);
    const rest = more > 0 && html` <span class="dim">and ${number(more)} more, in the whole report</span>`;
    return html`<details id="dead-${order}"${dead <= 20 && html` open`}><summary>${id}: ${counted(dead, 'dead neuron')}</summary><p class="indices">${(indices ?? []).join(', ')}${rest}</p></details>`;
  });
  return lists.length === 0
    ? html`<h2>Dead neurons</h2><p class="dim">No site has a dead neuron.</p>`
    : html`<h2>Dead neurons</h2><p class="dim">Indices on the last axis of each site, counted from 0.</p>${lists}`;
}
