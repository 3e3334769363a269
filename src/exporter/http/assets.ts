/** Style of the pages: system fonts, colours for light and dark, nothing from elsewhere. */
export const style = `
:root { --text: #1c2127; --dim: #57606a; --page: #ffffff; --card: #f6f8fa; --edge: #d0d7de; --link: #0550ae;
  --good: #116329; --bad: #b3161b; --line: #0550ae; --heat: #b3161b; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --dim: #9aa4af; --page: #0d1117; --card: #161b22; --edge: #30363d; --link: #79b8ff;
    --good: #56d364; --bad: #ff7b72; --line: #79b8ff; --heat: #ff7b72; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--text); background: var(--page); font: 16px/1.5 system-ui, sans-serif; }
header, main { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem; }
header { display: flex; justify-content: space-between; padding-top: 1rem; }
nav a { margin-left: 1rem; }
.home { font-weight: 600; color: var(--text); text-decoration: none; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--page); padding: .25rem .75rem; }
h1 { font-size: 1.6rem; margin: 1.25rem 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; }
.dim { color: var(--dim); }
.scroll { overflow-x: auto; border: 1px solid var(--edge); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .75rem; text-align: left; border-bottom: 1px solid var(--edge); vertical-align: middle; }
thead th { background: var(--card); font-size: .85rem; color: var(--dim); white-space: nowrap; }
tbody th { font-weight: 600; overflow-wrap: anywhere; }
tbody tr:last-child > * { border-bottom: 0; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.nowrap { white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); }
.passed, .failed { font-weight: 600; white-space: nowrap; }
svg { display: block; } svg.chart { width: 100%; height: auto; max-width: 760px; margin: .5rem 0; }
.line { fill: none; stroke: var(--line); stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.dot { fill: var(--line); } .grid { stroke: var(--edge); } .tick { fill: var(--dim); font-size: 12px; }
.heat { fill: var(--heat); } .lane { fill: var(--card); }
.jobs { list-style: none; padding: 0; margin: 0; }
.jobs li { padding: .5rem .75rem; margin: .5rem 0; background: var(--card); border: 1px solid var(--edge); border-radius: 6px; }
progress { width: 12rem; accent-color: var(--line); vertical-align: middle; }
.empty { padding: 1.5rem; background: var(--card); border: 1px solid var(--edge); border-radius: 6px; }
label, input, button { font: inherit; } input, button { padding: .4rem .7rem; border: 1px solid var(--edge); border-radius: 6px; }
input { background: var(--page); color: var(--text); } button { background: var(--link); color: var(--page); cursor: pointer; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
`;

/**
 * Keeps the list of running audits up to date by server-sent events, and loads the page anew when one has ended. The
 * page is whole without it.
 */
export const liveScript = `
const list = document.querySelector('#jobs');
const status = document.querySelector('#status');
const words = (job) => {
  const { progress } = job;
  if (job.status === 'queued') return 'waits for ' + job.device;
  if (!progress) return job.stage ?? 'starting';
  const done = progress.positions.toLocaleString('en-US');
  return progress.total === null ? done + ' positions' : done + ' of ' + progress.total.toLocaleString('en-US') + ' positions';
};
const show = (job) => {
  let item = document.getElementById('job-' + job.id);
  if (!item) {
    item = document.createElement('li');
    item.id = 'job-' + job.id;
    item.append(Object.assign(document.createElement('strong'), { textContent: job.model }), ' ',
      Object.assign(document.createElement('progress'), { max: 1 }), ' ', document.createElement('span'));
    item.querySelector('progress').setAttribute('aria-label', 'Progress of ' + job.model);
    list.append(item);
  }
  if (item.dataset.status !== job.status)
    status.textContent = 'The audit of ' + job.model + ' ' + (job.status === 'queued' ? 'waits.' : 'runs.');
  item.dataset.status = job.status;
  const { progress } = job;
  const bar = item.querySelector('progress');
  if (progress && progress.total) bar.value = progress.positions / progress.total;
  else bar.removeAttribute('value');
  item.querySelector('span').textContent = words(job);
  document.querySelector('#idle').hidden = list.children.length > 0;
};
const events = new EventSource('/api/v1/events');
events.addEventListener('job', (event) => {
  const job = JSON.parse(event.data);
  if (job.status === 'queued' || job.status === 'running') return show(job);
  status.textContent = 'The audit of ' + job.model + ' has ended: ' + job.status + '.';
  document.getElementById('job-' + job.id)?.remove();
  setTimeout(() => location.reload(), 400);
});
`;
