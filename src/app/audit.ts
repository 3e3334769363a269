import { Interrupted } from '../errors.js';
import { checkOutputs } from '../measure/check-outputs.js';
import { describeModel, hashFiles } from '../measure/describe-model.js';
import { measure } from '../measure/measure.js';
import { openSubject } from '../measure/subject.js';
import { lineageOf } from '../repair/lineage.js';
import { reportOf } from '../report/of-measurement.js';
import type { AuditReport } from '../report/schema.js';
import type { AuditOptions } from '../settings/options.js';

/**
 * The main job: runs the data through the model's probes and reports the health of every neuron.
 *
 * An aborted `signal` ends the run early: the report then holds what was gathered and says `data.complete:
 * false`.
 *
 * @throws UserError for bad input; RunError when the run fails; Interrupted when aborted before anything was
 *   counted.
 */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  const started = performance.now();
  const subject = await openSubject(options);
  options.onSites?.(
    subject.original.sites.map(({ id, stack, layer, site, part }) => ({ id, stack, layer, site, part })),
  );
  const stopHashing = new AbortController();
  const hashes =
    options.hash === false
      ? null
      : hashFiles(subject.opened.files, AbortSignal.any([subject.signal, stopHashing.signal]));
  hashes?.catch(() => {});
  try {
    const measurement = await measure(subject);
    const checked =
      options.checkOutputs && measurement.data.complete
        ? await checkOutputs(subject).catch(nullIfInterrupted)
        : null;
    const model = describeModel(subject, options.name);
    const sha256 = (await hashes) ?? [];
    model.files = model.files.map((file, i) => ({ ...file, sha256: sha256[i] ?? null }));
    const durationSeconds = (performance.now() - started) / 1000;
    const lineage = await lineageOf(subject.opened, sha256);
    return reportOf(measurement, {
      model,
      durationSeconds,
      ...(checked && { warnings: [checked] }),
      ...(lineage && { lineage }),
    });
  } finally {
    stopHashing.abort();
  }
}

/** Keeps what was gathered when the output check is interrupted. */
function nullIfInterrupted(error: unknown): null {
  if (error instanceof Interrupted) return null;
  throw error;
}
