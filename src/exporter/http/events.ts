import type { Response } from 'express';
import { hasEnded, type Job } from '../schema.js';
import type { Service } from '../types.js';

/** Time between two comments in an idle stream: proxies close a connection that is silent for long. */
const HEARTBEAT_MILLISECONDS = 15_000;

export interface EventOptions {
  /** Jobs to send at once. */
  first: Job[];
  /** Returns true for a job that belongs into this stream. */
  wants: (job: Job) => boolean;
  /** True to end the stream with the job. */
  untilEnd: boolean;
}

/** Answers with server-sent events: an event `job` with the whole job whenever one changes. */
export function sendEvents(
  response: Response,
  service: Service,
  { first, wants, untilEnd }: EventOptions,
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
