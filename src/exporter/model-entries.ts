import type { ModelFile } from './model-files.js';
import { hasEnded, type Job, type ModelEntry } from './schema.js';
import type { Failures } from './state/failures.js';
import type { Store } from './state/store.js';

/**
 * Lists the models of the folder with what is known of each: its state, its last report, and why its last
 * audit failed.
 */
export function modelEntries(
  files: readonly ModelFile[],
  store: Pick<Store, 'reports'>,
  failures: Pick<Failures, 'of'>,
  jobs: readonly Job[],
): ModelEntry[] {
  const filesByModel = groupedByModel(files);
  const openJobs = groupedByModel(jobs.filter((job) => !hasEnded(job)));
  return [...filesByModel].map(([name, own]) => {
    const reports = store.reports(name);
    const latest = reports.at(-1) ?? null;
    const found = failures.of(name);
    const failure = found && { at: found.at, step: found.step, reason: found.reason };
    const state = stateOf(openJobs.get(name) ?? [], failure !== null, latest !== null);
    const entryFiles = own.map(({ file, step }) => ({ file, step }));
    return { name, files: entryFiles, reports: reports.length, state, failure, latest };
  });
}

function groupedByModel<T extends { model: string }>(items: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.model);
    if (group) group.push(item);
    else groups.set(item.model, [item]);
  }
  return groups;
}

function stateOf(jobs: Job[], hasFailed: boolean, wasAudited: boolean): ModelEntry['state'] {
  if (jobs.some(({ status }) => status === 'running')) return 'running';
  if (jobs.length > 0) return 'queued';
  if (hasFailed) return 'failed';
  return wasAudited ? 'audited' : 'not-audited';
}
