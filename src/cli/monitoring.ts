import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { RunError, UserError } from '../errors.js';
import { modelName } from '../measure/describe-model.js';
import type { AuditReport } from '../report/schema.js';
import type { Settings } from '../settings/settings.js';
import { checkOutputFile, writeOutput } from './outputs.js';

type Monitoring = Pick<Settings, 'push' | 'pushDelete' | 'textfile' | 'name'>;

/**
 * Checks the settings before any work is done.
 *
 * @throws UserError for settings that need each other, and for a textfile that cannot be written.
 */
export function checkMonitoring({ push, pushDelete, textfile }: Monitoring): void {
  if (pushDelete && push === undefined) {
    const message = '`pushDelete` needs `push=URL` to say where.';
    throw new UserError(message, 'option-conflict', { settings: ['push', 'pushDelete'] });
  }
  if (textfile !== undefined) checkOutputFile('--textfile', textfile);
}

/** Removes the group of a model from the Pushgateway; the model's file need not exist any more. */
export async function forget(model: string, settings: Monitoring): Promise<string> {
  const { deletePushed } = await import('../exporter/metrics/push.js');
  const name = nameOf(model, settings);
  await deletePushed(settings.push!, name);
  return `Removed the metrics of ${name} from the Pushgateway.`;
}

/**
 * Hands the metrics of an audit to the Pushgateway and the textfile.
 *
 * @param baseline Report from which newly dead and revived neurons are counted.
 */
export async function publish(
  report: AuditReport,
  { push, textfile }: Monitoring,
  baseline?: AuditReport,
): Promise<void> {
  if (push === undefined && textfile === undefined) return;
  // Only those who monitor pay for loading it.
  const { renderAudit } = await import('../exporter/metrics/batch.js');
  const { pushMetrics } = await import('../exporter/metrics/push.js');
  const exposition = await renderAudit(report, baseline);
  if (textfile !== undefined) await writeOutput(textfile, exposition);
  if (push !== undefined) await pushMetrics(push, report.model.name, exposition);
}

/**
 * Tells the Pushgateway that an audit failed; the series of the last good audit stay there. The textfile
 * stays, too, and goes stale, since it holds one audit whole.
 */
export async function publishFailure(model: string, settings: Monitoring, error: unknown): Promise<void> {
  if (settings.push === undefined || !(error instanceof RunError || error instanceof UserError)) return;
  const { renderFailure } = await import('../exporter/metrics/batch.js');
  const { pushMetrics } = await import('../exporter/metrics/push.js');
  const name = nameOf(model, settings);
  // The audit's own error is what the user must see.
  await pushMetrics(settings.push, name, await renderFailure(name), { keep: true }).catch(() => {});
}

/** Names the model as its report would. */
function nameOf(model: string, { name }: Monitoring): string {
  return name ?? modelName(existsSync(model) ? realpathSync(model) : resolve(model));
}
