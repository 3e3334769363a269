import type { Warning } from '../data/spec.js';
import type { DataSet } from '../data/types.js';
import type { SessionOptions } from '../runtime/types.js';
import type { AuditOptions } from '../settings/options.js';
import type { Criterion } from '../stats/types.js';
import type { AuditedFile } from './audited-model.js';

/** Session settings that are the same in all sessions of one command. */
export interface SessionSettings {
  session: Pick<SessionOptions, 'device' | 'threads'>;
  /** Ends every session when it is aborted. */
  signal: AbortSignal;
}

/**
 * The subject of a command: one model, one data set and one device, opened once. Measuring, its quality,
 * input means and output checks are functions of a subject, so that a command with many rounds opens and
 * searches the model once.
 */
export interface Subject extends AuditedFile, SessionSettings {
  options: AuditOptions;
  criterion: Criterion;
  data: DataSet;
  /**
   * Warnings met while opening: hazards of the graph, notes on the device. The data's own are in
   * `data.warnings`.
   */
  warnings: Warning[];
}
