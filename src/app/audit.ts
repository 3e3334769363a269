import { Interrupted } from '../errors.js';
import type { AuditedModel } from '../measure/audited-model.js';
import { checkOutputs } from '../measure/check-outputs.js';
import { describeModel, hashFiles } from '../measure/describe-model.js';
import { measure } from '../measure/measure.js';
import { type Edit, edited, openSubject } from '../measure/subject.js';
import { reportOf } from '../report/of-measurement.js';
import type { AuditReport } from '../report/schema.js';
import type { AuditOptions } from '../settings/options.js';
import { findSites } from '../sites/find.js';
import { rectifierNetwork } from '../sites/rectifier.js';

/**
 * The main job: runs the data through the model's probes and reports the health of every neuron.
 *
 * An aborted `signal` ends the run early: the report then holds what was gathered and says `data.complete:
 * false`.
 *
 * @throws UserError for bad input; RunError when the run fails; Interrupted when aborted before anything was
 *   counted.
 */
export async function audit(options: AuditOptions, { edit }: { edit?: Edit } = {}): Promise<AuditReport> {
  const started = performance.now();
  const original = await openSubject(options);
  const subject = edit ? edited(original, (copy) => legacyEdit(edit, copy)) : original;
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
    return reportOf(measurement, { model, durationSeconds, ...(checked && { warnings: [checked] }) });
  } finally {
    stopHashing.abort();
  }
}

/** Only here until the repairs measure by themselves. */
function legacyEdit(edit: Edit, copy: AuditedModel): void {
  edit(copy);
  const { graph } = copy.model;
  copy.rectifier = rectifierNetwork(graph, findSites(graph));
}

/** Keeps what was gathered when the output check is interrupted. */
function nullIfInterrupted(error: unknown): null {
  if (error instanceof Interrupted) return null;
  throw error;
}
