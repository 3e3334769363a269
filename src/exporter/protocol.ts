import type { AuditOptions, Progress } from '../settings/options.js';
import type { AuditExtract, Place } from './metrics/extract.js';

/** What the server and the process of one job say to each other. */

export interface AuditTask {
  kind: 'audit';
  options: Omit<AuditOptions, 'signal' | 'onProgress' | 'onStage'>;
  step: number | null;
  gate: { rules: string[]; maxDeadRatio?: number; strict?: boolean; baseline?: string; maxIncrease?: number };
  /** Where the report goes. */
  reportPath: string;
  /** The model's report before, to count revived neurons. */
  previousPath: string | null;
}

export interface ExtractTask {
  kind: 'extract';
  reportPath: string;
  previousPath: string | null;
}

export interface DiffTask {
  kind: 'diff';
  oldPath: string;
  newPath: string;
}

export type Task = AuditTask | ExtractTask | DiffTask;

export type FromJob =
  | { kind: 'sites'; sites: Place[] }
  | { kind: 'progress'; progress: Progress }
  | { kind: 'stage'; stage: string }
  | { kind: 'extracted'; extract: AuditExtract }
  | { kind: 'compared'; diff: string }
  | { kind: 'failed'; message: string; bug: boolean }
  | { kind: 'interrupted' };

/** The only thing the server says after the task. */
export type ToJob = { kind: 'task'; task: Task } | { kind: 'cancel' };
