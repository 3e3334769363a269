import type { z } from 'zod';
import type { AuditExtract } from '../metrics/extract.js';
import type { Exposition } from '../metrics/registry.js';
import type { Job, ModelEntry, ReportEntry } from './schema.js';

/** What the routes need of the exporter; app provides it. */
export interface Service {
  /** Whether stored reports are loaded and the models folder was read. */
  ready(): boolean;
  metrics(format: Exposition): Promise<string>;
  models(): ModelEntry[];
  /** Oldest first. */
  reports(model?: string): ReportEntry[];
  /** Where the file of a report lies; `null` for an unknown id. */
  reportPath(id: string): string | null;
  extract(id: string): Promise<AuditExtract | null>;
  /** Newest first. */
  jobs(): Job[];
  job(id: string): Job | null;
  /** @throws UserError for a body that is no request, an unknown model or a full queue. */
  start(body: unknown): Job;
  /** Asks a job to stop; one that has ended stays as it is. `null` for an unknown id. */
  cancel(id: string): Job | null;
  /** The diff report of two reports as JSON text. */
  diff(old: string, current: string): Promise<string>;
  /** Calls `listener` whenever a job changes; returns how to stop that. */
  onJob(listener: (job: Job) => void): () => void;
}

export interface ServerOptions {
  service: Service;
  log: Log;
  /** Body of `POST /api/v1/audits`. */
  requestSchema: z.ZodType;
  /** Bearer token; `null` switches authentication off. */
  token: string | null;
  /** Whether /metrics asks for the token, too. */
  protectMetrics: boolean;
  /** API requests per minute and address. */
  rateLimit: number;
}

/** Structured logging; pino fits. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
