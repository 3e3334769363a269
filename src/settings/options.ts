import type { DownloadProgress } from '../data/spec.js';
import type { Criterion } from '../stats/types.js';
import { auditSettings } from './audit-settings.js';
import { namesOf, type Settings, type ValuesOf } from './settings.js';

/** Functions that are told of a job's progress, and the signal that ends it early. */
export interface Handles {
  /** Called once when the sites are known, before anything runs. */
  onSites?: (sites: readonly SitePlace[]) => void;
  /** Called after every batch. */
  onProgress?: (progress: Progress) => void;
  /** Called when something slow begins, e.g. a download, with a line for a person. */
  onStage?: (stage: string) => void;
  /** Called while data or a tokenizer is downloaded. */
  onDownload?: (progress: DownloadProgress) => void;
  /** Ends the run early; the report then says `data.complete: false`. */
  signal?: AbortSignal;
}

/**
 * Options of the library's verbs: the settings of an audit by their own names. What is absent has its
 * default.
 */
export interface AuditOptions extends ValuesOf<typeof auditSettings>, Handles {
  /** Path of the .onnx file. */
  model: string;
}

/** Place of a site in the model. */
interface SitePlace {
  id: string;
  stack: string;
  layer: number;
  site: 'mlp_pre' | 'mlp_post' | 'attn_out' | 'output';
  part: string;
}

/** Progress of a run. */
export interface Progress {
  /** Positions seen so far. */
  positions: number;
  /** Positions that the whole run will see; `null` when unknown. */
  total: number | null;
  elapsedSeconds: number;
}

export type { DownloadProgress };

/** Options that say which neurons are dead. */
export type CriterionOptions = Pick<AuditOptions, 'firing' | 'threshold' | 'dead' | 'deadBelow'>;

/** Returns the criterion as far as the options set it; `completeCriterion` adds the defaults. */
export function criterionSettings({
  firing,
  threshold,
  dead,
  deadBelow,
}: CriterionOptions): Partial<Criterion> {
  return {
    ...(firing !== undefined && { firing }),
    ...(threshold !== undefined && { threshold }),
    ...(dead !== undefined && { dead }),
    ...(deadBelow !== undefined && { deadBelow }),
  };
}

/** Returns the settings that an audit itself needs; the others are those of gates and output. */
export function toAuditOptions(model: string, settings: Settings): AuditOptions {
  const own = namesOf(auditSettings).filter((name) => settings[name] !== undefined);
  return { model, ...Object.fromEntries(own.map((name) => [name, settings[name]])) };
}
