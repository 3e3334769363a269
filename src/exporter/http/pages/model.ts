import { number, percent } from '../../../report/format.js';
import type { AuditExtract } from '../../metrics/extract.js';
import type { ModelEntry, ReportEntry } from '../../schema.js';
import type { Service } from '../../types.js';
import { type LayerRow, layerMap } from '../charts/layers.js';
import { trendChart } from '../charts/trend.js';
import { type Html, html } from '../html.js';
import { limitsOf } from './limits.js';
import {
  auditButton,
  cell,
  modelState,
  pointsOf,
  scrolling,
  sentence,
  tableHead,
  verdict,
  when,
} from './parts.js';

/** Number of columns of the map of layers. */
const SHOWN_AUDITS = 60;

/**
 * Shows the course of one model or training run. It is read from the stored reports, so that no checkpoint is
 * missing because nobody scraped in between. `null` for a model that is neither in the folder nor has
 * reports.
 *
 * @param form Proof for buttons, see `auditButton`.
 */
export async function modelPage(service: Service, name: string, form: string): Promise<Html | null> {
  const reports = service.reports(name);
  const model = service.models().find((entry) => entry.name === name);
  if (reports.length === 0 && !model) return null;
  const head = html`<h1>${name}</h1>${model ? current(model, form) : gone}`;
  return reports.length === 0 ? head : html`${head}${await course(service, reports)}`;
}

const gone = html`<p class="dim">The model is no longer in the folder.</p>`;

function current(model: ModelEntry, form: string): Html {
  const { name, latest, failure, files } = model;
  const facts = [
    files.length === 1 ? files[0]!.file : `${number(files.length)} files, the last ${files.at(-1)!.file}`,
    latest && `${percent(latest.deadRatio)} of the MLP neurons dead`,
    latest && `capacity ${percent(latest.capacityRatio)}`,
  ];
  const reason =
    failure &&
    html`<div class="alert" role="note"><p><strong>The audit${failure.step === null ? '' : ` of step ${number(failure.step)}`} failed</strong> (${when(failure.at)} UTC)</p><p>${sentence(failure.reason)}</p></div>`;
  return html`<p class="facts"><span class="state" data-model="${name}">${modelState(model)}</span> ${facts.filter((fact) => fact !== null).join(' · ')}</p>
${reason}<p>${auditButton(model, form)}</p>`;
}

async function course(service: Service, reports: ReportEntry[]): Promise<Html> {
  const bySteps = reports.every(({ step }) => step !== null);
  const sorted = bySteps ? [...reports].sort((a, b) => a.step! - b.step!) : reports;
  const { data } = reports.at(-1)!;
  const same = sorted.filter((report) => report.data === data).slice(-SHOWN_AUDITS);
  const extracts = (await Promise.all(same.map(({ id }) => service.extract(id)))).filter(
    (extract) => extract !== null,
  );
  const names = [...new Set(sorted.map((report) => report.data))];
  const series = names.map((name) => ({
    name,
    points: pointsOf(sorted.filter((report) => report.data === name)),
  }));
  const limits = limitsOf(extracts.at(-1)?.gate?.rules ?? []);
  return html`<h2>Dead ratio ${bySteps ? 'by training step' : 'over time'}</h2>
${trendChart(series, bySteps ? 'training step' : 'time of the audit (UTC)', limits)}
${extracts.length > 0 && layers(extracts, names.length > 1 ? data : null)}
<h2>Reports</h2>
${reportTable(sorted, bySteps)}`;
}

function reportTable(reports: ReportEntry[], bySteps: boolean): Html {
  const head = tableHead([
    { name: 'Audited (UTC)', sort: 'time' },
    ...(bySteps ? [{ name: 'Step', isNumber: true, sort: 'step' }] : []),
    { name: 'Gate' },
    { name: 'Dead', isNumber: true, sort: 'dead' },
    { name: 'Capacity', isNumber: true, sort: 'capacity' },
    { name: 'Data', sort: 'data' },
    { name: 'Positions', isNumber: true, sort: 'positions' },
    { name: 'Report', isNumber: true },
  ]);
  const rows = [...reports].reverse().map((report, i, all) => {
    const before = all.slice(i + 1).find(({ data }) => data === report.data);
    return reportRow(report, before, bySteps);
  });
  return scrolling(
    'Reports',
    html`<table class="sortable" role="table" aria-label="Reports">${head}<tbody role="rowgroup">${rows}</tbody></table>`,
  );
}

/** @param before The report before on the same data: what a difference is taken from. */
function reportRow(report: ReportEntry, before: ReportEntry | undefined, bySteps: boolean): Html {
  const { id, createdAt, step, gate, deadRatio, capacityRatio, data, positions } = report;
  const diff =
    before &&
    html` <a class="button" href="/api/v1/diff?old=${before.id}&amp;new=${id}" aria-label="Difference from the report before">Diff</a>`;
  const keys = html`data-time="${createdAt}" data-step="${step ?? ''}" data-dead="${deadRatio ?? ''}" data-capacity="${capacityRatio ?? ''}" data-data="${data}" data-positions="${positions}"`;
  return html`<tr role="row" ${keys}><th scope="row" role="rowheader">${when(createdAt)}</th>${bySteps && cell('Step', number(step!), 'number')}${cell('Gate', verdict(gate))}
${cell('Dead', percent(deadRatio), 'number')}${cell('Capacity', percent(capacityRatio), 'number')}${cell('Data', data)}${cell('Positions', number(positions), 'number')}
${cell('Report', html`<a class="button" href="/reports/${id}" aria-label="Report of ${createdAt}">Report</a>${diff}`, 'actions')}</tr>`;
}

/**
 * Shows the mlp_post sites as rows and audits as columns. The last audit decides which sites there are.
 *
 * @param data Data of the audits, if there are audits of other data, too.
 */
function layers(extracts: AuditExtract[], data: string | null): Html {
  const rows: LayerRow[] = extracts
    .at(-1)!
    .sites.filter(({ site }) => site === 'mlp_post')
    .map(({ id }) => ({
      name: id.replace('.mlp_post', ''),
      values: extracts.map(({ sites }) => sites.find((site) => site.id === id)?.deadRatio ?? null),
    }));
  if (rows.length === 0) return html``;
  const columns = extracts.map(({ step, createdAt }) =>
    step === null ? createdAt.slice(0, 16).replace('T', ' ') : `step ${number(step)}`,
  );
  const worst = rows
    .map(({ name, values }) => ({ name, ratio: values.at(-1) ?? 0 }))
    .filter(({ ratio }) => ratio > 0)
    .sort((a, b) => b.ratio - a.ratio)
    .slice(0, 3)
    .map(({ name, ratio }) => `${name} (${percent(ratio)})`);
  const now =
    worst.length === 0 ? 'No layer has a dead neuron now.' : `Worst now: layer ${worst.join(', ')}.`;
  return html`<h2>Layers</h2>
<p class="dim">Dead ratio of the MLP of each layer, an audit a column${data !== null && `, on ${data}`}. ${now}</p>
${layerMap(rows, columns)}`;
}
