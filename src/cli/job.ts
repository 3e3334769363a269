import type { Report } from '../app/report-kinds.js';
import { formatReport } from '../report/json.js';
import type { Settings } from '../settings/settings.js';
import { listenForInterrupt } from './interrupt.js';
import { writeOutput } from './outputs.js';
import { printReport } from './present.js';
import { openTerminal, type Terminal } from './terminal.js';

/** The signal that stops a job, and the functions that show its progress. */
export interface JobHandles {
  signal: AbortSignal;
  onProgress: Terminal['progress'];
  onStage: Terminal['note'];
}

/**
 * Runs the job of a command. Ctrl-C stops it, its progress is shown, and its report goes into a file and to
 * the terminal.
 *
 * @param report The file; default: that of the settings. `null` for none.
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
