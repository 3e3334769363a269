import { UserError } from '../../errors.js';
import { hashFiles } from '../../measure/describe-model.js';
import type { Subject } from '../../measure/subject.js';
import { recompute } from '../../report/recompute.js';
import type { AuditReport } from '../../report/schema.js';
import { criterionSettings } from '../../settings/options.js';
import type { Site } from '../../sites/types.js';

/** An audit report that was read from a file. */
export interface SavedAudit {
  path: string;
  report: AuditReport;
}

/**
 * Returns a saved audit in place of the first round's own, under the criterion of the options.
 *
 * @throws UserError when it is about another model or other weights, is incomplete, or lacks a site.
 */
export async function auditFromReport(
  { path, report }: SavedAudit,
  { opened, options, signal }: Subject,
  sites: readonly Site[],
): Promise<AuditReport> {
  const refuse = (why: string): never => {
    throw new UserError(`\`${path}\` cannot begin a strip of \`${opened.path}\`: ${why}.`, 'wrong-report');
  };
  if (report.model.graphSha256 !== opened.skeletonSha256) {
    refuse('it is about another model (graphSha256 differs)');
  }
  const hashes = await hashFiles(opened.files, signal);
  for (const [i, { name, bytes }] of opened.files.entries()) {
    const known = report.model.files[i];
    const isOther = known?.bytes !== bytes || (known.sha256 && hashes[i] && known.sha256 !== hashes[i]);
    if (isOther) refuse(`it is about other weights (${name} differs)`);
  }
  if (!report.data.complete) refuse('its run was stopped early');
  const missing = sites.find(({ id }) => !report.sites.some((site) => site.id === id));
  if (missing) refuse(`it has no site ${missing.id}`);
  return recompute(report, criterionSettings(options));
}
