import { Interrupted, RunError, UserError } from '../errors.js';
import { duration } from '../report/format.js';
import { toAuditOptions } from '../settings/options.js';
import type { Settings } from '../settings/settings.js';
import type { AuditTask } from './job/messages.js';
import { type JobListener, runAudit } from './job/run.js';
import type { AuditExtract, LastReport, SiteLocation } from './metrics/extract.js';
import type { ModelFile } from './model-files.js';
import { openQueue, type Queue } from './queue.js';
import type { Job } from './schema.js';
import type { StateFolder } from './state/state-folder.js';
import type { Store } from './state/store.js';

/** One audit to do. */
export interface AuditWork {
  file: ModelFile;
  settings: Settings;
  /**
   * True if the request has rules of its own. The server's rules are for all models: one may have no such
   * site.
   */
  hasOwnRules: boolean;
}

export interface AuditQueueOptions {
  state: StateFolder;
  store: Store;
  /** Number of audits that may wait. */
  limit: number;
  /** Seconds that an audit may take. */
  timeoutSeconds: number;
  /** Told whenever a job changes. */
  onJob: (job: Job) => void;
  /** Told the sites of a model before its audit begins. */
  onSites: (model: string, sites: SiteLocation[]) => void;
}

/** Opens the queue of audits: each runs in a process of its own, and its report goes into the store. */
export function openAuditQueue(options: AuditQueueOptions): Queue<AuditWork> {
  const { state, store, limit, timeoutSeconds, onJob, onSites } = options;
  return openQueue<AuditWork>({
    limit,
    onJob,
    run: async (work, job, signal, changed) => {
      const { model } = work.file;
      const problem = state.problem();
      if (problem !== null) throw new UserError(problem, 'state-unwritable');
      const { id, path } = await store.prepare(model);
      const task = auditTask(work, job.device, path, store.lastReports(model));
      const extract = await runWithin(timeoutSeconds, task, {
        signal,
        onMessage: (message) => {
          if (message.kind === 'sites') return onSites(model, message.sites);
          if (message.kind === 'progress') job.progress = message.progress;
          if (message.kind === 'stage') job.stage = message.stage;
          changed();
        },
      });
      if (signal.aborted) throw new Interrupted('The audit was cancelled.');
      await store.add(id, extract);
      return id;
    },
  });
}

/** Runs an audit and stops it when its time is up. @throws RunError that says so. */
async function runWithin(
  seconds: number,
  task: AuditTask,
  { signal, onMessage }: Required<JobListener>,
): Promise<AuditExtract> {
  const timeout = AbortSignal.timeout(seconds * 1000);
  try {
    return await runAudit(task, { onMessage, signal: AbortSignal.any([signal, timeout]) });
  } catch (error) {
    if (!timeout.aborted || signal.aborted || !(error instanceof Interrupted)) throw error;
    throw new RunError(
      `The audit was stopped after ${duration(seconds)}, the limit of \`audit serve --job-timeout\`: raise it, or audit fewer tokens.`,
    );
  }
}

function auditTask(
  { file: { model, step, path }, settings, hasOwnRules }: AuditWork,
  device: string,
  reportPath: string,
  previous: LastReport[],
): AuditTask {
  const options = { ...toAuditOptions(path, settings), name: model, device: device as 'cpu' };
  return { kind: 'audit', options, step, gate: gateOf(settings, !hasOwnRules), reportPath, previous };
}

function gateOf(
  { failOn, maxDeadRatio, strict, baseline, maxIncrease }: Settings,
  severalModels: boolean,
): AuditTask['gate'] {
  return {
    rules: failOn ?? [],
    severalModels,
    ...(maxDeadRatio !== undefined && { maxDeadRatio }),
    ...(strict !== undefined && { strict }),
    ...(baseline !== undefined && { baseline }),
    ...(maxIncrease !== undefined && { maxIncrease }),
  };
}
