import type { Response } from 'express';
import type { Job } from './schema.js';
import type { Service } from './types.js';

/** Proxies close what is silent for long. */
const HEARTBEAT_MILLISECONDS = 15_000;

/** Whether nothing more will happen to a job. */
export function hasEnded({ status }: Job): boolean {
  return status !== 'queued' && status !== 'running';
}

/** Server-sent events: an event `job` with the whole job whenever one changes. */
export function sendEvents(
  response: Response,
  service: Service,
  { first, wants, untilEnd }: { first: Job[]; wants: (job: Job) => boolean; untilEnd: boolean },
): void {
  response.set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();
  const send = (job: Job) => {
    response.write(`event: job\nid: ${job.id}\ndata: ${JSON.stringify(job)}\n\n`);
    if (untilEnd && hasEnded(job)) response.end();
  };
  const stop = service.onJob((job) => {
    if (wants(job) && !response.writableEnded) send(job);
  });
  const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MILLISECONDS);
  response.on('close', () => {
    stop();
    clearInterval(heartbeat);
  });
  response.write(': activation-auditor\n\n');
  for (const job of first) send(job);
}
