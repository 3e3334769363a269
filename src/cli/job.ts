import type { Report } from '../app/report-kinds.js';
import { formatReport } from '../report/json.js';
import type { Settings } from '../settings/settings.js';
import { listenForInterrupt } from './interrupt.js';
import { writeOutput } from './outputs.js';
import { printReport } from './present.js';
import { openTerminal, type Terminal } from './terminal.js';

/** What stops a job, and what it tells on its way. */
export interface JobHandles {
  signal: AbortSignal;
  onProgress: Terminal['progress'];
  onStage: Terminal['note'];
}

/**
 * Runs the job of a command: Ctrl-C stops it, its progress is shown, its report goes into a file (that of the settings, unless
 * `report` says another or none) and to the terminal.
 */
export async function runJob<R extends Report>(
  settings: Settings,
  job: (handles: JobHandles) => Promise<R>,
  report: string | null = settings.report ?? null,
): Promise<R> {
  const terminal = openTerminal(settings);
  const interrupt = listenForInterrupt();
  try {
    const { signal } = interrupt;
    const result = await job({ signal, onProgress: terminal.progress, onStage: terminal.note });
    if (report !== null) await writeOutput(report, formatReport(result));
    printReport(result, settings, terminal);
    return result;
  } finally {
    interrupt.settle();
    terminal.endProgress();
  }
}
