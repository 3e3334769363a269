import type { GateOptions } from '../../report/gate.js';
import type { AuditOptions, Handles, Progress } from '../../settings/options.js';
import type { AuditExtract, LastReport, SiteLocation } from '../metrics/extract.js';

/** The messages between the server and the process of one job. */

export interface AuditTask {
  kind: 'audit';
  options: Omit<AuditOptions, keyof Handles>;
  step: number | null;
  /** Rules, and the options of the gate with the path of the baseline instead of its report. */
  gate: Omit<GateOptions, 'baseline'> & { rules: string[]; baseline?: string };
  /** Path to write the report to. */
  reportPath: string;
  previous: LastReport[];
}

export interface ExtractTask {
  kind: 'extract';
  reportPath: string;
  previous: LastReport[];
}

export interface DiffTask {
  kind: 'diff';
  oldPath: string;
  newPath: string;
}

export type Task = AuditTask | ExtractTask | DiffTask;

export type FromJob =
  | { kind: 'sites'; sites: SiteLocation[] }
  | { kind: 'progress'; progress: Progress }
  | { kind: 'stage'; stage: string }
  | { kind: 'extracted'; extract: AuditExtract }
  | { kind: 'compared'; diff: string }
  | { kind: 'failed'; message: string; bug: boolean }
  | { kind: 'interrupted' };

/** The server sends the task first, and nothing else but `cancel` afterwards. */
export type ToJob = { kind: 'task'; task: Task } | { kind: 'cancel' };
