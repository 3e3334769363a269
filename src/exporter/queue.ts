import { randomUUID } from 'node:crypto';
import { Interrupted, UserError } from '../errors.js';
import { hasEnded, type Job } from './schema.js';

/** Number of ended jobs that can still be asked for. */
const REMEMBERED = 200;

export interface QueueOptions<Work> {
  /**
   * Does the work and gives the id of the report. `job` may be changed, and `changed` told of it, on the way.
   *
   * @throws Interrupted when `signal` was aborted.
   */
  run: (work: Work, job: Job, signal: AbortSignal, changed: () => void) => Promise<string>;
  /** Number of jobs that may wait. */
  limit: number;
  /** Told whenever a job changes. */
  onJob: (job: Job) => void;
}

/**
 * The facts of a job that its creator knows. Id and time of creation may be those of an earlier server's job.
 */
export type NewJob = Pick<Job, 'model' | 'step' | 'trigger' | 'device'> &
  Partial<Pick<Job, 'id' | 'createdAt'>>;

export interface Queue<Work> {
  /** @throws UserError when the queue is full or closed. */
  add(work: Work, job: NewJob): Job;
  cancel(id: string): Job | null;
  job(id: string): Job | null;
  /** Lists jobs, newest first. */
  jobs(): Job[];
  /** Counts the jobs that wait for a device. */
  depth(device: string): number;
  /** Counts the jobs that run on a device: 0 or 1. */
  running(device: string): number;
  /** Starts no more jobs and stops those that run; done when none runs. */
  close(): Promise<void>;
}

interface Item<Work> {
  work: Work;
  job: Job;
  stop: AbortController;
}

/** Opens a queue that runs jobs first come, first served, and one at a time on each device. */
export function openQueue<Work>({ run, limit, onJob }: QueueOptions<Work>): Queue<Work> {
  const waiting: Item<Work>[] = [];
  const active = new Map<string, { item: Item<Work>; end: Promise<void> }>();
  const all = new Map<string, Item<Work>>();
  let closed = false;

  const changed = (job: Job) => onJob({ ...job });
  const finish = (job: Job, status: Job['status'], more: Partial<Job> = {}) => {
    Object.assign(job, { status, endedAt: new Date().toISOString(), stage: null, ...more });
    changed(job);
    const ended = [...all.values()].filter((item) => hasEnded(item.job));
    for (const item of ended.slice(0, Math.max(0, ended.length - REMEMBERED))) all.delete(item.job.id);
  };
  const runItem = async ({ work, job, stop }: Item<Work>): Promise<void> => {
    Object.assign(job, { status: 'running', startedAt: new Date().toISOString() });
    changed(job);
    try {
      const report = await run(work, job, stop.signal, () => changed(job));
      finish(job, 'done', { report });
    } catch (error) {
      if (stop.signal.aborted || error instanceof Interrupted) finish(job, 'cancelled');
      else finish(job, 'failed', { error: error instanceof Error ? error.message : String(error) });
    }
  };
  const startNext = () => {
    for (const item of [...waiting]) {
      const { device } = item.job;
      if (closed || active.has(device)) continue;
      waiting.splice(waiting.indexOf(item), 1);
      const end = runItem(item).finally(() => {
        active.delete(device);
        startNext();
      });
      active.set(device, { item, end });
    }
  };

  return {
    add(work, newJob) {
      if (closed) throw new UserError('The server is shutting down.', 'queue-full');
      if (waiting.length >= limit) {
        throw new UserError(`The queue is full: ${waiting.length} audits wait already.`, 'queue-full');
      }
      const job: Job = {
        id: randomUUID(),
        createdAt: new Date().toISOString(),
        ...newJob,
        status: 'queued',
        startedAt: null,
        endedAt: null,
        progress: null,
        stage: null,
        error: null,
        report: null,
      };
      const item = { work, job, stop: new AbortController() };
      all.set(job.id, item);
      waiting.push(item);
      changed(job);
      startNext();
      return { ...job };
    },
    cancel(id) {
      const item = all.get(id);
      if (!item) return null;
      item.stop.abort();
      if (item.job.status === 'queued') {
        waiting.splice(waiting.indexOf(item), 1);
        finish(item.job, 'cancelled');
      }
      return { ...item.job };
    },
    job: (id) => {
      const item = all.get(id);
      return item ? { ...item.job } : null;
    },
    jobs: () => [...all.values()].map(({ job }) => ({ ...job })).reverse(),
    depth: (device) => waiting.filter(({ job }) => job.device === device).length,
    running: (device) => Number(active.has(device)),
    async close() {
      closed = true;
      for (const { job } of waiting.splice(0)) finish(job, 'cancelled');
      for (const { item } of active.values()) item.stop.abort();
      await Promise.all([...active.values()].map(({ end }) => end));
    },
  };
}
