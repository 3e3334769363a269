import { number, percent } from '../../report/format.js';
import type { AuditExtract } from '../metrics/extract.js';
import type { ReportEntry } from '../schema.js';
import type { Service } from '../types.js';
import { type HeatRow, heatmap, trendChart } from './charts.js';
import { type Html, html } from './html.js';
import { pointsOf, verdict, when } from './page-overview.js';

/** Columns of the map of layers. */
const SHOWN_AUDITS = 60;

/**
 * The course of one model or training run: read from the stored reports, so that no checkpoint is missing because
 * nobody scraped in between. `null` for a model that is neither in the folder nor has reports.
 */
export async function modelPage(service: Service, name: string): Promise<Html | null> {
  const reports = service.reports(name);
  const model = service.models().find((entry) => entry.name === name);
  if (reports.length === 0) return model ? notYet(name) : null;
  const byStep = reports.every(({ step }) => step !== null);
  const sorted = byStep ? [...reports].sort((a, b) => a.step! - b.step!) : reports;
  const shown = sorted.slice(-SHOWN_AUDITS);
  const extracts = (await Promise.all(shown.map(({ id }) => service.extract(id)))).filter(
    (one) => one !== null,
  );
  const gone = model === undefined && html`<p class="dim">The model is no longer in the folder.</p>`;
  return html`<h1>${name}</h1>
${gone}
<h2>Dead ratio ${byStep ? 'by training step' : 'over time'}</h2>
${trendChart(pointsOf(reports), byStep ? 'training step' : 'time of the audit')}
${extracts.length > 0 && layers(extracts)}
<h2>Reports</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Reports"><table>
<thead><tr><th scope="col">audited</th>${byStep && html`<th scope="col" class="number">step</th>`}<th scope="col">gate</th><th scope="col" class="number">dead</th>
<th scope="col" class="number">capacity</th><th scope="col" class="number">positions</th><th scope="col">report</th></tr></thead>
<tbody>${[...sorted].reverse().map((report, i, all) => row(report, all[i + 1], byStep))}</tbody></table></div>`;
}

const notYet = (name: string) => html`<h1>${name}</h1><p class="empty">Not audited yet.</p>`;

function row(report: ReportEntry, before: ReportEntry | undefined, byStep: boolean): Html {
  const { id, createdAt, step, gate, deadRatio, capacityRatio, positions } = report;
  const diff =
    before &&
    html` · <a href="/api/v1/diff?old=${before.id}&amp;new=${id}" aria-label="Difference from the report before">diff</a>`;
  return html`<tr><th scope="row">${when(createdAt)}</th>${byStep && html`<td class="number">${number(step!)}</td>`}<td>${verdict(gate)}</td>
<td class="number">${percent(deadRatio)}</td><td class="number">${percent(capacityRatio)}</td><td class="number">${number(positions)}</td>
<td class="nowrap"><a href="/reports/${id}" aria-label="Report of ${createdAt}">report</a>${diff}</td></tr>`;
}

/** The mlp_post sites as rows, audits as columns; the last audit decides which sites there are. */
function layers(extracts: AuditExtract[]): Html {
  const rows: HeatRow[] = extracts
    .at(-1)!
    .sites.filter(({ site }) => site === 'mlp_post')
    .map(({ id }) => ({
      name: id.replace('.mlp_post', ''),
      values: extracts.map(({ sites }) => sites.find((site) => site.id === id)?.deadRatio ?? null),
    }));
  if (rows.length === 0) return html``;
  const columns = extracts.map(({ step, createdAt }) =>
    step === null ? createdAt.slice(0, 16) : `step ${number(step)}`,
  );
  const worst = rows.map(({ name, values }) => ({ name, value: values.at(-1) ?? 0 }));
  const words = worst
    .sort((a, b) => b.value - a.value)
    .slice(0, 3)
    .map(({ name, value }) => `${name} (${percent(value)})`);
  return html`<h2>Layers</h2>
<p class="dim">Dead ratio of the MLP of each layer, an audit a column. Worst now: layer ${words.join(', ')}.</p>
${heatmap(rows, columns)}`;
}
