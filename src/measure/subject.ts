import { findHazards } from '../patterns/hazards.js';
import { pickDevice } from '../runtime/devices.js';
import { type AuditOptions, criterionSettings } from '../settings/options.js';
import { coverageGap } from '../sites/coverage.js';
import { completeCriterion } from '../stats/criteria.js';
import { openAuditData } from './audit-data.js';
import { type AuditedFile, type AuditedModel, openAuditedFile, requireSites } from './audited-model.js';
import { rowsThatFit } from './batch-size.js';
import type { Subject } from './subject-types.js';

export type { SessionSettings, Subject } from './subject-types.js';

/** An edit of a fresh copy of the graph: it may change the graph, and which sites are measured. */
export type Edit = (copy: AuditedModel) => void;

/**
 * Opens the model, finds its sites, opens the data and picks the device.
 *
 * @param opened The model, where a command has looked at it before it opens data.
 * @throws UserError for bad input: the model, the data, the device, options that select no site.
 */
export async function openSubject(options: AuditOptions, opened?: AuditedFile): Promise<Subject> {
  const signal = options.signal ?? new AbortController().signal;
  const criterion = completeCriterion(criterionSettings(options));
  const file = opened ?? (await openAuditedFile(options));
  requireSites(file.original);
  const hazards = findHazards(file.original.model.graph);
  const gap = coverageGap(file.original.coverage);
  const data = await openAuditData(options, file.original, signal);
  const picked = await pickDevice(options.device ?? 'auto');
  const threads = hazards.some(({ singleThread }) => singleThread) ? 1 : (options.threads ?? 0);
  const warnings = [
    ...hazards.map(({ code, message }) => ({ code, message })),
    ...(gap === null ? [] : [{ code: 'coverage', message: gap }]),
    ...picked.notes.map((message) => ({ code: 'device', message })),
  ];
  const session = { device: picked.device, threads };
  const subject = { ...file, options, criterion, data, session, signal, warnings };
  const rows = await rowsThatFit(subject);
  return rows === null ? subject : { ...subject, data: data.withBatchSize!(rows) };
}

/** Returns the subject as if its file held the edited graph. The edit is applied to every copy. */
export function edited(subject: Subject, edit: Edit): Subject {
  return {
    ...subject,
    copy() {
      const copy = subject.copy();
      edit(copy);
      return copy;
    },
  };
}
