import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { UserError } from '../errors.js';
import type { Settings } from '../settings/settings.js';
import { openAuditQueue } from './audit-queue.js';
import { parseAuditRequest } from './audit-request.js';
import { openDiffs } from './diffs.js';
import { runDiff } from './job/run.js';
import { exporter } from './metrics/registry.js';
import type { Sample } from './metrics/samples.js';
import { modelEntries } from './model-entries.js';
import { findModelFile, type ModelFile } from './model-files.js';
import { openModelSeries } from './model-series.js';
import type { NewJob } from './queue.js';
import { hasEnded, type Job } from './schema.js';
import type { Failures } from './state/failures.js';
import type { PendingAudits } from './state/pending-audits.js';
import type { StateFolder } from './state/state-folder.js';
import type { Store } from './state/store.js';
import type { Log, Service } from './types.js';

export interface ExporterOptions {
  state: StateFolder;
  store: Store;
  pending: PendingAudits;
  failures: Failures;
  log: Log;
  /** Device that `auto` stands for. */
  device: string;
  /** Settings of the audits, as far as a request does not say otherwise. */
  settings: Settings;
  seriesLimit: number;
  queueLimit: number;
  jobTimeoutSeconds: number;
  version: string;
  onnxruntime: string;
}

export interface ExporterService extends Service {
  setFiles(files: ModelFile[]): void;
  enqueue(file: ModelFile, trigger: Job['trigger']): Job;
  /** Queues the requested audits that earlier servers left. Call it once, when the files are known. */
  takeUp(): void;
  /** Gives when the file as it is now was last audited, milliseconds since 1970; `null` if never. */
  auditedAt(file: ModelFile): number | null;
  close(): Promise<void>;
}

/** Ties together what the routes show: models, jobs, stored reports and metrics. */
export function exporterService(options: ExporterOptions): ExporterService {
  const { state, store, pending, failures, log, device: autoDevice, settings: defaults } = options;
  const series = openModelSeries(store, failures, options.seriesLimit);
  const events = new EventEmitter().setMaxListeners(0);
  let files: ModelFile[] | null = null;
  let closing = false;

  const diffs = openDiffs((oldId, newId) => runDiff(store.reportPath(oldId)!, store.reportPath(newId)!));

  /** Runs a write of the state folder that no audit hangs on. */
  const attempt = (write: () => void) => {
    try {
      write();
    } catch (error) {
      log.error({ err: error }, 'the state folder cannot be written');
    }
  };
  const noteEnd = ({ id, model, step, status, endedAt, error }: Job) => {
    // A job that a shutdown cancels is left to the next server.
    if (!(closing && status === 'cancelled')) attempt(() => pending.remove(id));
    if (status === 'done') attempt(() => failures.clear(model));
    if (status === 'failed') attempt(() => failures.set({ model, step, at: endedAt!, reason: error! }));
    series.auditEnded(model, status === 'done' ? 'success' : (status as 'failed' | 'cancelled'));
  };
  const queue = openAuditQueue({
    ...{ state, store, limit: options.queueLimit, timeoutSeconds: options.jobTimeoutSeconds },
    onSites: series.expectSites,
    onJob: (job) => {
      if (job.status === 'running' && !job.progress && !job.stage) attempt(() => pending.began(job.id));
      if (hasEnded(job)) noteEnd(job);
      logJob(log, job);
      events.emit('job', job);
    },
  });
  const enqueue = (
    file: ModelFile,
    trigger: Job['trigger'],
    requested: Settings = {},
    known: Partial<Pick<NewJob, 'id' | 'createdAt'>> = {},
  ): Job => {
    const settings = { ...defaults, ...requested };
    const device = settings.device === undefined || settings.device === 'auto' ? autoDevice : settings.device;
    const hasOwnRules = requested.failOn !== undefined;
    return queue.add(
      { file, settings, hasOwnRules },
      { model: file.model, step: file.step, trigger, device, ...known },
    );
  };
  const liveSamples = (): Sample[] => {
    const gauge = (metric: Sample['metric'], value: number, labels: Sample['labels'] = {}): Sample => {
      return { metric, labels, value };
    };
    const devices = new Set([autoDevice, ...queue.jobs().map(({ device }) => device)]);
    return [
      gauge('models', new Set(files?.map(({ model }) => model)).size),
      gauge('models_without_histograms', series.snapshot().withoutHistograms),
      ...[...devices].flatMap((device) => [
        gauge('queue_depth', queue.depth(device), { device }),
        gauge('running_audits', queue.running(device), { device }),
      ]),
      gauge('state_writable', Number(state.problem() === null)),
      gauge('build_info', 1, { version: options.version, onnxruntime: options.onnxruntime }),
    ];
  };
  const metrics = exporter(() => series.snapshot().samples, { live: liveSamples, processMetrics: true });

  return {
    problem: () => (files === null ? 'starting' : state.problem()),
    metrics: (format) => metrics.render(format),
    models: () => modelEntries(files ?? [], store, failures, queue.jobs()),
    reports: store.reports,
    reportPath: store.reportPath,
    extract: store.extract,
    jobs: queue.jobs,
    job: queue.job,
    cancel: queue.cancel,
    start(body) {
      const { model, settings } = parseAuditRequest(body);
      const file = findModelFile(files ?? [], model);
      const known = { id: randomUUID(), createdAt: new Date().toISOString() };
      // On disk before the client hears of it. The queue may still refuse it.
      pending.add({ ...known, body });
      try {
        return enqueue(file, 'api', settings, known);
      } catch (error) {
        attempt(() => pending.remove(known.id));
        throw error;
      }
    },
    takeUp() {
      const { waiting, dropped } = pending.takeUp();
      for (const { id, body } of dropped) log.error({ job: id, body }, 'dropped: it ran when servers died');
      for (const { id, createdAt, body } of waiting) {
        try {
          const { model, settings } = parseAuditRequest(body);
          enqueue(findModelFile(files ?? [], model), 'api', settings, { id, createdAt });
        } catch (error) {
          // If the queue is full, the audit waits for the next server.
          if (!(error instanceof UserError && error.code === 'queue-full')) {
            attempt(() => pending.remove(id));
          }
          log.error({ job: id, err: error }, 'not taken up again');
        }
      }
    },
    diff: diffs.compare,
    onJob(listener) {
      events.on('job', listener);
      return () => void events.off('job', listener);
    },
    setFiles(found) {
      files = found;
      series.setModels(new Set(found.map(({ model }) => model)));
    },
    enqueue,
    auditedAt({ model, step, changedAt }) {
      // Only an audit that began after the last change saw the file as it is now.
      const ends = store
        .reports(model)
        .filter((report) => report.step === step)
        .map(({ createdAt, durationSeconds }) => ({ end: Date.parse(createdAt), durationSeconds }))
        .filter(({ end, durationSeconds }) => end - durationSeconds * 1000 >= changedAt)
        .map(({ end }) => end);
      return ends.at(-1) ?? null;
    },
    close() {
      closing = true;
      return queue.close().finally(() => attempt(pending.endedInOrder));
    },
  };
}

/** Logs a job's status, not its progress. */
function logJob(log: Log, { id, model, status, error, report, trigger, progress }: Job): void {
  if (status === 'running' && progress) return;
  log[status === 'failed' ? 'error' : 'info']({ job: id, model, status, trigger, report, error }, 'audit');
}
