import type { SettingName } from '../settings/settings.js';

/** Settings that several commands take, each group once. */

/** Data and how it is cut into batches. */
export const FEEDING = [
  'data',
  'split',
  'tokenizer',
  'tokens',
  'seqLen',
  'batchSize',
] as const satisfies SettingName[];
/** Criterion of dead neurons. */
export const CRITERION = ['threshold', 'firing', 'dead', 'deadBelow'] as const satisfies SettingName[];
/** Device, cores and memory. */
export const RUNNING = ['device', 'threads', 'memory'] as const satisfies SettingName[];
/** Standard output and the terminal. */
export const PRINTING = ['format', 'quiet', 'color', 'progress'] as const satisfies SettingName[];
