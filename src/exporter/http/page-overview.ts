import { number, percent } from '../../report/format.js';
import { hasEnded, type Job, type ModelEntry, type ReportEntry } from '../schema.js';
import type { Service } from '../types.js';
import { type Point, sparkline } from './charts.js';
import { type Html, html } from './html.js';

/** Audits that a trend in a table cell goes back to. */
const TREND = 50;

/** All models with their last verdict and trend, and what is being audited. */
export function overviewPage(service: Service): Html {
  const models = service.models();
  const jobs = service.jobs().filter((job) => !hasEnded(job));
  const failed = service.jobs().find(({ status }) => status === 'failed');
  return html`<h1>Models</h1>
<p class="dim">${number(models.length)} in the folder; the dead ratio is that of their MLP neurons.</p>
<p id="status" role="status" class="dim"></p>
${models.length === 0 ? noModels : modelTable(service, models)}
<h2>Being audited</h2>
<ul id="jobs" class="jobs">${jobs.reverse().map(jobItem)}</ul>
<p id="idle" class="dim"${jobs.length > 0 && html` hidden`}>Nothing at the moment.</p>
${failed && html`<h2>Last failure</h2><p><strong>${failed.model}</strong>: ${failed.error}</p>`}`;
}

const noModels = html`<p class="empty">There is no <code>.onnx</code> file in the folder yet. With <code>--watch</code> a model is audited as soon as it appears.</p>`;

function modelTable(service: Service, models: ModelEntry[]): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Models"><table>
<thead><tr><th scope="col">model</th><th scope="col">gate</th><th scope="col" class="number">dead</th><th scope="col">trend</th>
<th scope="col" class="number">capacity</th><th scope="col">last audit</th><th scope="col">report</th></tr></thead>
<tbody>${models.map((model) => modelRow(model, service.reports(model.name)))}</tbody></table></div>`;
}

function modelRow({ name, latest, files }: ModelEntry, reports: ReportEntry[]): Html {
  const link = html`<a href="/models/${encodeURIComponent(name)}">${name}</a>`;
  if (!latest) {
    return html`<tr><th scope="row">${link}</th><td colspan="6" class="dim">not audited yet (${files.length} ${files.length === 1 ? 'file' : 'files'})</td></tr>`;
  }
  const step = latest.step === null ? null : html`<span class="dim"> step ${number(latest.step)}</span>`;
  return html`<tr><th scope="row">${link}${step}</th><td>${verdict(latest.gate)}</td><td class="number">${percent(latest.deadRatio)}</td>
<td>${sparkline(pointsOf(reports.slice(-TREND)))}</td><td class="number">${percent(latest.capacityRatio)}</td>
<td class="nowrap">${when(latest.createdAt)}</td><td><a href="/reports/${latest.id}" aria-label="Report of ${name}">report</a></td></tr>`;
}

/** Said in words and marked by a sign, so that nothing hangs on colour alone. */
export function verdict(gate: ReportEntry['gate']): Html {
  if (gate === null) return html`<span class="dim">no rules</span>`;
  return gate === 'passed'
    ? html`<span class="passed">✓ passed</span>`
    : html`<span class="failed">✗ failed</span>`;
}

export function when(time: string): Html {
  return html`<time datetime="${time}">${time.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

/** Reports as points: by training step where every report has one, else by time. */
export function pointsOf(reports: ReportEntry[]): Point[] {
  const steps = reports.every(({ step }) => step !== null);
  const points = reports.map(({ step, createdAt, deadRatio }) => ({
    label: steps ? `step ${number(step!)}` : createdAt.slice(0, 16).replace('T', ' '),
    x: steps ? step! : Date.parse(createdAt),
    y: deadRatio,
  }));
  return points.sort((a, b) => a.x - b.x);
}

function jobItem({ id, model, status, device, progress, stage }: Job): Html {
  const words =
    status === 'queued'
      ? `waits for ${device}`
      : progress
        ? `${number(progress.positions)}${progress.total === null ? '' : ` of ${number(progress.total)}`} positions`
        : (stage ?? 'starting');
  const value = progress?.total ? html` value="${progress.positions / progress.total}"` : null;
  return html`<li id="job-${id}"><strong>${model}</strong> <progress max="1"${value} aria-label="Progress of ${model}"></progress> <span>${words}</span></li>`;
}
