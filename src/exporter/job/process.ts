/**
 * The process of one job of `audit serve`. Reading a model, tokenizing and writing megabytes of JSON all
 * happen here, so that the server answers at once whatever is going on. The process ends with its parent.
 */
import { constants, setPriority } from 'node:os';
import { audit } from '../../app/audit.js';
import { diffReports } from '../../app/diff.js';
import { Interrupted, RunError, UserError } from '../../errors.js';
import { wantsGate, withGate } from '../../report/gate.js';
import { formatReport, readReport, writeReport } from '../../report/json.js';
import type { AuditReport } from '../../report/schema.js';
import type { Progress } from '../../settings/options.js';
import { type AuditExtract, dataName, extractOf, type LastReport } from '../metrics/extract.js';
import type { AuditTask, ExtractTask, FromJob, Task, ToJob } from './messages.js';

/** Least time between two messages of progress: they are for people. */
const PROGRESS_MILLISECONDS = 250;

const stop = new AbortController();
// A signal to the whole process group is the server's to answer.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('message', (message: ToJob) => {
  if (message.kind === 'cancel') stop.abort();
  else void work(message.task);
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const tell = (message: FromJob) => void process.send?.(message);

async function work(task: Task): Promise<void> {
  try {
    if (task.kind === 'diff') {
      const [old, current] = [await readReport(task.oldPath), await readReport(task.newPath)];
      tell({ kind: 'compared', diff: formatReport(diffReports(old, current)) });
    } else {
      const extract = task.kind === 'extract' ? await extractFile(task) : await auditToFile(task);
      tell({ kind: 'extracted', extract });
    }
  } catch (error) {
    if (stop.signal.aborted || error instanceof Interrupted) return tell({ kind: 'interrupted' });
    const isKnown = error instanceof UserError || error instanceof RunError;
    const message = isKnown ? error.message : String((error as Error)?.stack ?? error);
    tell({ kind: 'failed', message, bug: !isKnown });
  }
}

async function auditToFile({ options, step, gate, reportPath, previous }: AuditTask): Promise<AuditExtract> {
  // The scheduler gives the server its turn first; the session's process inherits this.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const { rules, baseline, ...limits } = gate;
  let lastProgress = 0;
  const report = await audit({
    ...options,
    signal: stop.signal,
    // The counters of the sites exist at 0 before they rise.
    onSites: (sites) => tell({ kind: 'sites', sites: [...sites] }),
    onStage: (stage) => tell({ kind: 'stage', stage }),
    onProgress: (progress: Progress) => {
      if (performance.now() - lastProgress < PROGRESS_MILLISECONDS) return;
      lastProgress = performance.now();
      tell({ kind: 'progress', progress });
    },
  });
  if (stop.signal.aborted) throw new Interrupted('The audit was cancelled.');
  if (step !== null) report.model.step = step;
  const gateOptions = { ...limits, ...(baseline !== undefined && { baseline: await readReport(baseline) }) };
  const withVerdict = wantsGate(rules, gateOptions) ? withGate(report, rules, gateOptions) : report;
  await writeReport(reportPath, withVerdict);
  return extractOf(withVerdict, await readPrevious(withVerdict, previous));
}

async function extractFile({ reportPath, previous }: ExtractTask): Promise<AuditExtract> {
  const report = await readReport(reportPath);
  return extractOf(report, await readPrevious(report, previous));
}

/** Reads the report before on the same data; `null` if there was none, or it is gone. */
async function readPrevious(report: AuditReport, previous: LastReport[]): Promise<AuditReport | null> {
  const same = previous.find(({ data }) => data === dataName(report));
  return same ? readReport(same.path).catch(() => null) : null;
}
