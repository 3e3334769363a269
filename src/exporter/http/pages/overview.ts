import { counted, number, percent } from '../../../report/format.js';
import { hasEnded, type Job, type ModelEntry } from '../../schema.js';
import type { Service } from '../../types.js';
import { sparkline } from '../charts/spark.js';
import { type Html, html } from '../html.js';
import { auditButton, cell, modelLink, modelState, pointsOf, sentence, tableHead, when } from './parts.js';

/** Number of audits in the trend of a table's cell. */
const TREND = 50;
/** Number of waiting audits that are listed by name. */
const SHOWN_WAITING = 20;

/**
 * Shows all models with their state, last verdict and trend, and the audits that run and wait.
 *
 * @param form Proof for buttons, see `auditButton`.
 */
export function overviewPage(service: Service, form: string): Html {
  const models = service.models();
  const open = service
    .jobs()
    .filter((job) => !hasEnded(job))
    .reverse();
  const running = open.filter(({ status }) => status === 'running');
  const waiting = open.filter(({ status }) => status === 'queued');
  return html`<h1>Models</h1>
<p class="dim">The dead ratio is that of a model's MLP neurons in its last audit.</p>
<p id="status" role="status" class="dim"></p>
${models.length === 0 ? noModels : html`${summary(models)}${tools}${modelTable(service, models, form)}`}
<h2>Running now</h2>
<ul id="running" class="jobs">${running.map(runningItem)}</ul>
<p class="idle dim"${running.length > 0 && html` hidden`}>Nothing at the moment.</p>
<h2>Waiting</h2>
<ol id="waiting" class="jobs">${waiting.slice(0, SHOWN_WAITING).map(waitingItem)}</ol>
<p class="idle dim"${waiting.length > 0 && html` hidden`}>No audit waits.</p>
${waiting.length > SHOWN_WAITING && html`<p class="dim">and ${number(waiting.length - SHOWN_WAITING)} more</p>`}`;
}

const noModels = html`<p class="empty">There is no <code>.onnx</code> file in the folder yet. With <code>--watch</code> a model is audited as soon as it appears.</p>`;

/** States by which the summary counts and the table can be filtered. */
const KINDS: [key: string, words: string][] = [
  ['failed', 'could not be audited'],
  ['gate-failed', 'failed the gate'],
  ['not-audited', 'not audited yet'],
  ['healthy', 'audited, nothing failed'],
];

function kindOf({ failure, latest }: ModelEntry): string {
  if (failure) return 'failed';
  if (!latest) return 'not-audited';
  return latest.gate === 'failed' ? 'gate-failed' : 'healthy';
}

function summary(models: ModelEntry[]): Html {
  const tiles = KINDS.map(([kind, words]) => {
    const count = models.filter((model) => kindOf(model) === kind).length;
    return html`<li class="tile ${count === 0 ? 'zero' : kind}"><strong>${number(count)}</strong> ${words}</li>`;
  });
  return html`<ul class="tiles"><li class="tile"><strong>${number(models.length)}</strong> ${models.length === 1 ? 'model' : 'models'}</li>${tiles}</ul>`;
}

/** Search, filter and sort need the script, which shows them. */
const tools = html`<div class="tools" hidden>
<span><label for="find">Find</label> <input type="search" id="find" placeholder="name, data or reason"></span>
<span><label for="kind">State</label> <select id="kind"><option value="">all</option>${KINDS.map(([kind, words]) => html`<option value="${kind}">${words}</option>`)}</select></span>
<span><label for="sort">Sort by</label> <select id="sort"><option value="name">name</option><option value="kind">state</option><option value="dead">dead ratio</option><option value="capacity">capacity</option><option value="time">last audit</option></select></span>
<span id="shown" class="dim" role="status"></span></div>`;

function modelTable(service: Service, models: ModelEntry[], form: string): Html {
  const head = tableHead([
    { name: 'Model', sort: 'name' },
    { name: 'State', sort: 'kind' },
    { name: 'Dead', isNumber: true, sort: 'dead' },
    { name: 'Trend' },
    { name: 'Capacity', isNumber: true, sort: 'capacity' },
    { name: 'Data' },
    { name: 'Last audit (UTC)', sort: 'time' },
    { name: 'Actions', isNumber: true },
  ]);
  const rows = models.map((model) => modelRow(model, service, form));
  return html`<table class="cards sortable" role="table" aria-label="Models">${head}<tbody role="rowgroup">${rows}</tbody></table>`;
}

function modelRow(model: ModelEntry, service: Service, form: string): Html {
  const { name, latest, failure, files } = model;
  const step = latest?.step != null && html`<span class="dim"> step ${number(latest.step)}</span>`;
  const reason = failure && html`<p class="reason">${sentence(failure.reason)}</p>`;
  const kind = kindOf(model);
  const keys = html`data-name="${name}" data-kind="${KINDS.findIndex(([key]) => key === kind)}" data-state="${kind}" data-dead="${latest?.deadRatio ?? ''}" data-capacity="${latest?.capacityRatio ?? ''}" data-time="${latest?.createdAt ?? ''}"`;
  const start = html`<tr role="row" ${keys}><th scope="row" role="rowheader">${modelLink(name)}${step}${latest && reason}</th>${cell('State', html`<span class="state" data-model="${name}">${modelState(model)}</span>`, 'wide')}`;
  if (!latest) {
    const words = reason ?? html`<span class="dim">${counted(files.length, 'file')}</span>`;
    const rest = html`<td role="cell" colspan="5">${words}</td>`;
    return html`${start}${rest}${cell('Actions', auditButton(model, form), 'actions')}</tr>`;
  }
  const same = service.reports(name).filter(({ data }) => data === latest.data);
  const report = html`<a class="button" href="/reports/${latest.id}" aria-label="Report of ${name}">Report</a>`;
  return html`${start}${cell('Dead', percent(latest.deadRatio), 'number')}${cell('Trend', sparkline(pointsOf(same.slice(-TREND))))}
${cell('Capacity', percent(latest.capacityRatio), 'number')}${cell('Data', latest.data)}${cell('Last audit (UTC)', when(latest.createdAt))}
${cell('Actions', html`${report} ${auditButton(model, form)}`, 'actions')}</tr>`;
}

function runningItem({ id, model, progress, stage }: Job): Html {
  const value = progress?.total ? html` value="${progress.positions / progress.total}"` : null;
  const total = progress?.total == null ? '' : ` of ${number(progress.total)}`;
  const words = progress ? `${number(progress.positions)}${total} positions` : (stage ?? 'starting');
  return html`<li id="job-${id}"><strong>${model}</strong> <progress max="1"${value} aria-label="Progress of ${model}"></progress> <span>${words}</span></li>`;
}

/** A job that waits shows no bar: an empty bar that moves looks as if it ran. */
function waitingItem({ id, model, device }: Job): Html {
  return html`<li id="job-${id}"><strong>${model}</strong> <span class="dim">waits for ${device}</span></li>`;
}
