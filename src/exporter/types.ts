import type { AuditExtract } from './metrics/extract.js';
import type { Exposition } from './metrics/registry.js';
import type { Job, ModelEntry, ReportEntry } from './schema.js';

/** The exporter as the routes see it. */
export interface Service {
  /**
   * Says why the server is not ready, such as a state folder that cannot be written; `null` if it is ready.
   */
  problem(): string | null;
  metrics(format: Exposition): Promise<string>;
  models(): ModelEntry[];
  /** Lists stored reports, oldest first. */
  reports(model?: string): ReportEntry[];
  /** Gives the path of a report's file; `null` for an unknown id. */
  reportPath(id: string): string | null;
  extract(id: string): Promise<AuditExtract | null>;
  /** Lists jobs, newest first. */
  jobs(): Job[];
  job(id: string): Job | null;
  /**
   * Queues the audit that a request's body describes.
   *
   * @throws UserError for a body that does not fit the schema, an unknown model or a full queue.
   */
  start(body: unknown): Job;
  /** Asks a job to stop; one that has ended stays as it is. `null` for an unknown id. */
  cancel(id: string): Job | null;
  /** Compares two stored reports; gives the diff report as JSON text. */
  diff(oldId: string, newId: string): Promise<string>;
  /** Calls `listener` whenever a job changes; returns a function that ends this. */
  onJob(listener: (job: Job) => void): () => void;
}

/** Structured logging; pino fits. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
