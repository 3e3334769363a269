import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { Interrupted, UserError } from '../errors.js';
import { type Settings, toAuditOptions } from '../settings/settings.js';
import { runAudit, runDiff } from './child.js';
import { healthOf } from './health.js';
import { hasEnded } from './http/events.js';
import type { Job } from './http/schema.js';
import type { Log, Service } from './http/types.js';
import { exporter } from './metrics/registry.js';
import type { Sample } from './metrics/samples.js';
import { findModel, type ModelFile } from './models.js';
import type { AuditTask } from './protocol.js';
import { openQueue } from './queue.js';
import { parseRequest } from './request.js';
import type { Requests } from './requests.js';
import type { Store } from './store.js';

export interface ExporterOptions {
  store: Store;
  requests: Requests;
  log: Log;
  /** Where `auto` runs. */
  device: string;
  /** What audits are done with unless a request says otherwise. */
  settings: Settings;
  seriesLimit: number;
  queueLimit: number;
  version: string;
  onnxruntime: string;
}

export interface ExporterService extends Service {
  setFiles(files: ModelFile[]): void;
  enqueue(file: ModelFile, trigger: Job['trigger'], settings?: Settings): Job;
  /** Queues what was asked of a server before this one and did not end. Call it once, when the files are known. */
  takeUp(): void;
  /** When the file, as it is now, was last audited; `null` if never. */
  auditedAt(file: ModelFile): number | null;
  close(): Promise<void>;
}

/** Everything behind the routes: models, jobs, stored reports, metrics. */
export function exporterService(options: ExporterOptions): ExporterService {
  const { store, requests, log, device, settings: defaults } = options;
  const health = healthOf(store, options.seriesLimit);
  const events = new EventEmitter().setMaxListeners(0);
  let files: ModelFile[] | null = null;
  let closing = false;

  const queue = openQueue<{ file: ModelFile; settings: Settings }>({
    limit: options.queueLimit,
    onJob: (job) => {
      events.emit('job', job);
      // What a shutdown stops is taken up by the next server.
      if (hasEnded(job) && !(closing && job.status === 'cancelled')) requests.remove(job.id);
      if (job.status === 'running' && !job.progress && !job.stage) requests.began(job.id);
      if (job.status === 'done') health.ended(job.model, 'success');
      if (job.status === 'failed' || job.status === 'cancelled') health.ended(job.model, job.status);
      const { id, model, status, error, report, trigger } = job;
      if (status === 'running' && job.progress) return;
      log[status === 'failed' ? 'error' : 'info'](
        { job: id, model, status, trigger, report, error },
        'audit',
      );
    },
    run: async ({ file, settings }, job, signal, changed) => {
      const { model, step, path } = file;
      const last = store.reports(model).at(-1);
      const { id, path: reportPath } = await store.prepare(model);
      const { name: _, ...audit } = toAuditOptions(path, settings);
      const task: AuditTask = {
        kind: 'audit',
        options: { ...audit, model: path, name: model, device: job.device as 'cpu' },
        step,
        gate: gateOf(settings),
        reportPath,
        previousPath: last ? store.reportPath(last.id) : null,
      };
      const extract = await runAudit(task, {
        signal,
        onMessage: (message) => {
          if (message.kind === 'sites') return health.expect(model, message.sites);
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
  const enqueue = (
    file: ModelFile,
    trigger: Job['trigger'],
    more: Settings = {},
    known: Partial<Pick<Job, 'id' | 'createdAt'>> = {},
  ): Job => {
    const settings = { ...defaults, ...more };
    const asked = settings.device ?? 'auto';
    const { model, step } = file;
    const about = { model, step, trigger, device: asked === 'auto' ? device : asked, ...known };
    return queue.add({ file, settings }, about);
  };
  const own = (): Sample[] => {
    const samples: Sample[] = [];
    const gauge = (metric: Sample['metric'], value: number, labels: Sample['labels'] = {}) =>
      samples.push({ metric, labels, value });
    gauge('models', new Set(files?.map(({ model }) => model)).size);
    gauge('models_without_histograms', health.samples().withoutHistograms);
    for (const one of new Set([device, ...queue.jobs().map((job) => job.device)])) {
      gauge('queue_depth', queue.depth(one), { device: one });
      gauge('running_audits', queue.running(one), { device: one });
    }
    gauge('build_info', 1, { version: options.version, onnxruntime: options.onnxruntime });
    return samples;
  };
  const metrics = exporter(() => health.samples().samples, { live: own, processMetrics: true });

  return {
    ready: () => files !== null,
    metrics: (format) => metrics.render(format),
    models: () => {
      const names = [...new Set(files?.map(({ model }) => model))];
      return names.map((name) => {
        const own = files!.filter(({ model }) => model === name).map(({ file, step }) => ({ file, step }));
        const reports = store.reports(name);
        return { name, files: own, reports: reports.length, latest: reports.at(-1) ?? null };
      });
    },
    reports: store.reports,
    reportPath: store.reportPath,
    extract: store.extract,
    jobs: queue.jobs,
    job: queue.job,
    cancel: queue.cancel,
    start(body) {
      const { model, settings } = parseRequest(body);
      const file = findModel(files ?? [], model);
      const known = { id: randomUUID(), createdAt: new Date().toISOString() };
      // On disk before the client hears of it; the queue may still refuse it.
      requests.add({ ...known, body });
      try {
        return enqueue(file, 'api', settings, known);
      } catch (error) {
        requests.remove(known.id);
        throw error;
      }
    },
    takeUp() {
      const { waiting, dropped } = requests.left();
      for (const { id, body } of dropped) log.error({ job: id, body }, 'dropped: it ran when servers died');
      for (const { id, createdAt, body } of waiting) {
        try {
          const { model, settings } = parseRequest(body);
          enqueue(findModel(files ?? [], model), 'api', settings, { id, createdAt });
        } catch (error) {
          // For a full queue it can wait for the next server.
          if (!(error instanceof UserError && error.code === 'queue-full')) requests.remove(id);
          log.error({ job: id, err: error }, 'not taken up again');
        }
      }
    },
    diff: (old, current) => runDiff(store.reportPath(old)!, store.reportPath(current)!),
    onJob(listener) {
      events.on('job', listener);
      return () => void events.off('job', listener);
    },
    setFiles(found) {
      files = found;
      health.setModels(new Set(found.map(({ model }) => model)));
    },
    enqueue,
    auditedAt({ model, step, changedAt }) {
      // An audit that began after the last change was about the file as it is now.
      const fresh = store
        .reports(model)
        .filter((report) => report.step === step)
        .map(({ createdAt, durationSeconds }) => ({ end: Date.parse(createdAt), durationSeconds }))
        .filter(({ end, durationSeconds }) => end - durationSeconds * 1000 >= changedAt);
      return fresh.at(-1)?.end ?? null;
    },
    close() {
      closing = true;
      return queue.close().finally(requests.endedInOrder);
    },
  };
}

function gateOf({ failOn, maxDeadRatio, strict, baseline, maxIncrease }: Settings): AuditTask['gate'] {
  return {
    rules: failOn ?? [],
    ...(maxDeadRatio !== undefined && { maxDeadRatio }),
    ...(strict !== undefined && { strict }),
    ...(baseline !== undefined && { baseline }),
    ...(maxIncrease !== undefined && { maxIncrease }),
  };
}
