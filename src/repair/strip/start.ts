import { UserError } from '../../errors.js';
import type { OpenedModel } from '../../onnx/skeleton.js';
import { recompute } from '../../report/recompute.js';
import type { AuditReport } from '../../report/schema.js';
import { type CriterionOptions, criterionSettings } from '../../settings/options.js';
import type { Site } from '../../sites/types.js';

/**
 * A saved audit as the first round's: under the criterion that was asked for, and about this model.
 *
 * @throws UserError when it is about another model or other weights, is incomplete, or lacks a site.
 */
export function firstReport(
  { path, report }: { path: string; report: AuditReport },
  opened: OpenedModel,
  sha256: (string | null)[] | null,
  sites: readonly Site[],
  options: CriterionOptions,
): AuditReport {
  const refuse = (why: string): never => {
    throw new UserError(`\`${path}\` cannot begin a strip of \`${opened.path}\`: ${why}.`, 'wrong-report');
  };
  if (report.model.graphSha256 !== opened.skeletonSha256) {
    refuse('it is about another model (graphSha256 differs)');
  }
  for (const [i, { name, bytes }] of opened.files.entries()) {
    const known = report.model.files[i];
    const other = known?.bytes !== bytes || (known.sha256 && sha256?.[i] && known.sha256 !== sha256[i]);
    if (other) refuse(`it is about other weights (${name} differs)`);
  }
  if (!report.data.complete) refuse('its run was stopped early');
  const missing = sites.find(({ id }) => !report.sites.some((site) => site.id === id));
  if (missing) refuse(`it has no site ${missing.id}`);
  return recompute(report, criterionSettings(options));
}
