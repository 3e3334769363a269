import { duration, number, percent, quantity } from '../../report/format.js';
import type { AuditExtract } from '../metrics/extract.js';
import { type Html, html } from './html.js';
import { verdict, when } from './page-overview.js';

/** One audit: what it was about, its verdict, and a line per site. The whole report is a click away, as JSON. */
export function reportPage(id: string, extract: AuditExtract): Html {
  const { model, step, createdAt, positions, data, criterion, durationSeconds, gate, sites } = extract;
  return html`<h1>${model}${step === null ? '' : `, step ${number(step)}`}</h1>
<p class="dim">${when(createdAt)} · ${number(positions)} positions of ${data} in ${duration(durationSeconds)} · dead: ${criterion}</p>
<p>${percent(extract.deadRatio)} of the MLP neurons are dead; capacity ${percent(extract.capacityRatio)}. ${verdict(gate?.status ?? null)}</p>
<p><a href="/api/v1/reports/${id}">Whole report (JSON)</a> · <a href="/models/${encodeURIComponent(model)}">All reports of this model</a></p>
${gate && gate.rules.length > 0 && rules(gate.rules)}
<h2>Sites</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Sites"><table>
<thead><tr><th scope="col">site</th><th scope="col" class="number">neurons</th><th scope="col" class="number">dead</th><th scope="col" class="number">ratio</th>
<th scope="col" class="number">newly dead</th><th scope="col" class="number">revived</th><th scope="col" class="number">dormant</th><th scope="col" class="number">constant</th><th scope="col" class="number">non-finite values</th></tr></thead>
<tbody>${sites.map(
    (
      site,
    ) => html`<tr><th scope="row">${site.id}</th><td class="number">${number(site.neurons)}</td><td class="number">${number(site.dead)}</td>
<td class="number">${percent(site.deadRatio)}</td><td class="number">${orDash(site.newlyDead)}</td><td class="number">${orDash(site.revived)}</td>
<td class="number">${number(site.flags.dormant)}</td><td class="number">${number(site.flags.constant)}</td><td class="number">${quantity(site.nonFiniteValues)}</td></tr>`,
  )}</tbody></table></div>`;
}

function rules(all: { rule: string; passed: boolean }[]): Html {
  const lines = all.map(
    ({ rule, passed }) => html`<li>${verdict(passed ? 'passed' : 'failed')} <code>${rule}</code></li>`,
  );
  return html`<h2>Gate</h2><ul>${lines}</ul>`;
}

const orDash = (value: number | null) => (value === null ? '–' : number(value));
