import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { RunError, UserError } from '../errors.js';
import { modelName } from '../measure/describe-model.js';
import type { AuditReport } from '../report/schema.js';
import type { Settings } from '../settings/settings.js';
import { checkOutputFile } from './outputs.js';

type Monitoring = Pick<Settings, 'push' | 'pushDelete' | 'textfile' | 'name'>;

/** @throws UserError for options that need each other, and for a textfile that cannot be written. */
export function checkMonitoring({ push, pushDelete, textfile }: Monitoring): void {
  if (pushDelete && push === undefined) {
    throw new UserError('`--push-delete` needs `--push URL` to say where.', 'option-conflict');
  }
  if (textfile !== undefined) checkOutputFile('--textfile', textfile);
}

/** Removes the group of a model, which need not exist any more, from the Pushgateway. */
export async function forget(model: string, settings: Monitoring): Promise<string> {
  const { deletePushed } = await import('../exporter/metrics/push.js');
  const name = nameOf(model, settings);
  await deletePushed(settings.push!, name);
  return `Removed the metrics of ${name} from the Pushgateway.`;
}

/** Hands the metrics of a whole audit to the Pushgateway and the textfile; `baseline` is what revived neurons count from. */
export async function publish(
  report: AuditReport,
  { push, textfile }: Monitoring,
  baseline?: AuditReport,
): Promise<void> {
  if (push === undefined && textfile === undefined) return;
  // Only those who monitor pay for loading it.
  const { renderAudit } = await import('../exporter/metrics/batch.js');
  const { pushMetrics } = await import('../exporter/metrics/push.js');
  const { writeMetricsTextfile } = await import('../exporter/metrics/textfile.js');
  const exposition = await renderAudit(report, baseline);
  if (textfile !== undefined) await writeMetricsTextfile(textfile, exposition);
  if (push !== undefined) await pushMetrics(push, report.model.name, exposition);
}

/**
 * Tells the Pushgateway that an audit failed; what it knows of the last good one stays. The textfile stays, too, and
 * goes stale: it holds one audit, whole.
 */
export async function publishFailure(model: string, settings: Monitoring, error: unknown): Promise<void> {
  if (settings.push === undefined || !(error instanceof RunError || error instanceof UserError)) return;
  const { renderFailure } = await import('../exporter/metrics/batch.js');
  const { pushMetrics } = await import('../exporter/metrics/push.js');
  const name = nameOf(model, settings);
  // The audit's own error is what the user must see.
  await pushMetrics(settings.push, name, await renderFailure(name), { keep: true }).catch(() => {});
}

/** As the report would name the model. */
function nameOf(model: string, { name }: Monitoring): string {
  return name ?? modelName(existsSync(model) ? realpathSync(model) : resolve(model));
}
