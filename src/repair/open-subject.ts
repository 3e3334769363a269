import { openAuditedFile } from '../measure/audited-model.js';
import { openSubject, type Subject } from '../measure/subject.js';
import type { AuditOptions } from '../settings/options.js';
import { checkDestination, type Destination } from './destination.js';

/**
 * Opens the subject of a repair. A destination that cannot be written is refused before the data is opened.
 *
 * @throws UserError for bad input, and as `checkDestination`.
 */
export async function openRepairSubject(options: AuditOptions, to: Destination | null): Promise<Subject> {
  // Several models are measured, and one must not go on with the counts of another.
  const { resume: _, ...own } = options;
  const file = await openAuditedFile(own);
  if (to) await checkDestination(file.opened, to);
  return openSubject(own, file);
}
