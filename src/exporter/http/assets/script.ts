/**
 * Script of the pages. It follows audits live by server-sent events, sorts and filters tables, shows the
 * value under the pointer, and tells the age of times. Each page is whole without it.
 */
export const script = `
'use strict';
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// Times: the local one and its age, under the pointer.
const age = (date) => {
  const minutes = Math.round((Date.now() - date) / 60000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return minutes + ' min ago';
  return minutes < 2880 ? Math.round(minutes / 60) + ' h ago' : Math.round(minutes / 1440) + ' days ago';
};
for (const time of all('time[datetime]')) {
  const date = new Date(time.dateTime);
  time.title = date.toLocaleString() + ' (' + age(date) + ')';
}

// Values under the pointer.
const tip = Object.assign(document.createElement('div'), { id: 'tip', hidden: true });
document.body.append(tip);
for (const title of all('[data-tip] > title')) title.remove();
document.addEventListener('pointermove', (event) => {
  const holder = event.target.closest('[data-tip]');
  tip.hidden = !holder;
  if (!holder) return;
  tip.textContent = holder.dataset.tip;
  tip.style.left = Math.max(8, Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)) + 'px';
  tip.style.top = (event.clientY + 20 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 8 : event.clientY + 20) + 'px';
});
document.addEventListener('pointerleave', () => { tip.hidden = true; });

// Tables: a button in each head that can be sorted by; rows carry their keys as data attributes.
const keyOf = (row, key) => row.dataset[key] ?? '';
const compare = (key, sign) => (a, b) => {
  const [x, y] = [keyOf(a, key), keyOf(b, key)];
  if (x === '' || y === '') return (x === '' ? 1 : 0) - (y === '' ? 1 : 0);
  const numbers = Number(x) - Number(y);
  return sign * (Number.isNaN(numbers) ? x.localeCompare(y, 'en', { numeric: true }) : numbers);
};
const sortTable = (table, key, sign) => {
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare(key, sign)));
  for (const head of all('th[data-sort]', table))
    if (head.dataset.sort === key) head.setAttribute('aria-sort', sign > 0 ? 'ascending' : 'descending');
    else head.removeAttribute('aria-sort');
};
const firstSign = (key) => (['dead', 'ratio', 'time', 'newly', 'revived', 'dormant', 'constant', 'nonfinite', 'step'].includes(key) ? -1 : 1);
for (const table of all('table.sortable'))
  for (const head of all('th[data-sort]', table)) {
    const button = Object.assign(document.createElement('button'), { type: 'button', textContent: head.textContent });
    button.addEventListener('click', () => {
      const before = head.getAttribute('aria-sort');
      const key = head.dataset.sort;
      sortTable(table, key, before === null ? firstSign(key) : before === 'ascending' ? -1 : 1);
      const choice = one('#sort');
      if (choice) { choice.value = key; remember(); }
    });
    head.replaceChildren(button);
  }

// The list of models: find, filter, sort; what is chosen stays over the reloads after an audit.
const tools = one('.tools');
const remember = () => {
  const chosen = Object.fromEntries(['find', 'kind', 'sort'].map((id) => [id, one('#' + id).value]));
  history.replaceState(null, '', '#' + new URLSearchParams(chosen));
};
const filter = () => {
  const rows = [...one('table').tBodies[0].rows];
  const words = one('#find').value.trim().toLowerCase();
  const kind = one('#kind').value;
  for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(words) || (kind !== '' && row.dataset.state !== kind);
  const shown = rows.filter((row) => !row.hidden).length;
  one('#shown').textContent = shown === rows.length ? '' : shown + ' of ' + rows.length + ' shown';
};
if (tools) {
  tools.hidden = false;
  for (const [id, value] of new URLSearchParams(location.hash.slice(1))) {
    const field = document.getElementById(id);
    if (field && tools.contains(field)) field.value = value;
  }
  const sort = () => sortTable(one('table'), one('#sort').value, firstSign(one('#sort').value));
  for (const id of ['find', 'kind']) one('#' + id).addEventListener('input', () => { filter(); remember(); });
  one('#sort').addEventListener('input', () => { sort(); remember(); });
  if (one('#sort').value !== 'name') sort();
  filter();
}

// Audits, live: the lists of those that run and wait, and the state of each model on the page.
const words = (job) => {
  if (job.status === 'queued') return 'waits for ' + job.device;
  const { progress } = job;
  if (!progress) return job.stage ?? 'starting';
  const done = progress.positions.toLocaleString('en-US');
  return progress.total === null ? done + ' positions' : done + ' of ' + progress.total.toLocaleString('en-US') + ' positions';
};
const itemOf = (job) => {
  const item = Object.assign(document.createElement('li'), { id: 'job-' + job.id });
  item.append(Object.assign(document.createElement('strong'), { textContent: job.model }));
  if (job.status === 'running') {
    const bar = Object.assign(document.createElement('progress'), { max: 1 });
    bar.setAttribute('aria-label', 'Progress of ' + job.model);
    item.append(bar);
  }
  item.append(document.createElement('span'));
  return item;
};
const showIdle = () => {
  for (const list of all('.jobs')) list.nextElementSibling.hidden = list.children.length > 0;
};
const showJob = (job) => {
  const list = one(job.status === 'running' ? '#running' : '#waiting');
  if (!list) return;
  let item = document.getElementById('job-' + job.id);
  if (item?.parentElement !== list) {
    item?.remove();
    item = itemOf(job);
    list.append(item);
  }
  const bar = one('progress', item);
  if (bar && job.progress?.total) bar.value = job.progress.positions / job.progress.total;
  one('span', item).textContent = words(job);
  showIdle();
};
const showState = (job) => {
  const place = all('.state').find((state) => state.dataset.model === job.model);
  if (!place) return false;
  const share = job.progress?.total ? ' ' + Math.floor((100 * job.progress.positions) / job.progress.total) + '%' : '';
  const badge = Object.assign(document.createElement('span'), {
    className: 'badge ' + (job.status === 'running' ? 'running' : 'waiting'),
    textContent: job.status === 'running' ? '● running' + share : '○ waiting',
  });
  place.replaceChildren(badge);
  return true;
};
const seen = new Map();
const tell = (text) => { const status = one('#status'); if (status) status.textContent = text; };
const isOpen = (job) => job.status === 'queued' || job.status === 'running';
if (one('.state') || one('.jobs')) {
  const events = new EventSource('/api/v1/events');
  events.addEventListener('job', (event) => {
    const job = JSON.parse(event.data);
    if (isOpen(job)) {
      if (seen.get(job.id) !== job.status) tell('The audit of ' + job.model + (job.status === 'queued' ? ' waits.' : ' runs.'));
      seen.set(job.id, job.status);
      showJob(job);
      showState(job);
      return;
    }
    tell('The audit of ' + job.model + ' has ended: ' + job.status + '.');
    document.getElementById('job-' + job.id)?.remove();
    if (one('.jobs') || showState(job)) setTimeout(() => location.reload(), 400);
  });
}
`;
