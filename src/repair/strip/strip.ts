import { Interrupted, UserError } from '../../errors.js';
import { recordStatus } from '../../files/journal.js';
import { tool } from '../../files/package.js';
import { describeModel } from '../../measure/describe-model.js';
import { inputMeans } from '../../measure/input-means.js';
import { measureWhole } from '../../measure/measure.js';
import type { Measurement } from '../../measure/measurement.js';
import { measureQuality, type NoQuality } from '../../measure/quality.js';
import { edited, type Subject } from '../../measure/subject.js';
import { reportOf } from '../../report/of-measurement.js';
import type { AuditReport } from '../../report/schema.js';
import type { AuditOptions } from '../../settings/options.js';
import { checkSettings, type ValuesOf } from '../../settings/settings.js';
import type { Site } from '../../sites/types.js';
import { deadNeurons } from '../../stats/criteria.js';
import type { Quality } from '../../stats/quality.js';
import { type Destination, modeOf } from '../destination.js';
import { openRepairSubject } from '../open-subject.js';
import { applyPatched, type PatchedWeights } from '../patched-weights.js';
import { compareQuality } from '../quality-change.js';
import { type RecordParts, writeStripped } from './output.js';
import { type Round, stripReport } from './result.js';
import { type StripChange, stripRound, type Unstripped } from './round.js';
import { auditFromReport, type SavedAudit } from './saved-audit.js';
import type { StripReport } from './schema.js';
import { DEFAULT_FRACTION, stripSettings } from './settings.js';
import { signedInputs } from './signed-inputs.js';
import { undoStrip } from './undo.js';

export interface StripOptions extends AuditOptions, ValuesOf<typeof stripSettings> {
  /** Destination of the model; `null` for a dry run, which writes nothing. */
  to: Destination | null;
  /** A saved audit of this model for the first round. */
  saved?: SavedAudit;
}

/**
 * Synaptic stripping (Whitaker & Whitley 2023): sets the most negative incoming weights of dead neurons to
 * zero, audits the result, and writes it as a clone of the file in which nothing else differs.
 *
 * Everything is tried in overlays first: a file is written once, when the outcome is known. The model is
 * opened and its sites are searched once, whatever the number of rounds.
 *
 * @throws UserError for bad input; RunError when a run fails; Interrupted when aborted: nothing is written
 *   then.
 */
export async function strip(options: StripOptions): Promise<StripReport> {
  const set = checkSettings(stripSettings, options);
  const { by = 'weight', fraction = DEFAULT_FRACTION, rounds: most = 1, allowShared = false } = set;
  const limit = set.maxQualityLoss ?? null;
  await rollBackPending(options);
  const subject = await openRepairSubject(options, options.to);
  const { model } = subject.original;
  const sites = strippedSites(subject);
  const patched: PatchedWeights = new Map();
  const stripped = strippedSubject(subject, sites, patched);

  const before = options.saved
    ? auditOf(await auditFromReport(options.saved, subject, sites))
    : auditOfMeasurement(await measureWhole(stripped), subject);
  const isDead = deadIn(before, sites) > 0;
  const quality: Quality | NoQuality = isDead
    ? await measureQuality(stripped)
    : { reason: 'nothing is dead, so nothing was changed' };
  if (limit !== null && 'reason' in quality && isDead) {
    throw new UserError(
      `\`maxQualityLoss\` cannot be held: the quality is not known, since ${quality.reason}.`,
      'quality-unknown',
      { settings: ['maxQualityLoss'] },
    );
  }
  const rounds: Round[] = [];
  let current = before;
  let unstripped: Unstripped[] = [];
  while (rounds.length < most && deadIn(current, sites) > 0) {
    const targets = sites.map((site) => ({ site, dead: current.dead.get(site.id) ?? [] }));
    const hasDead = ({ id }: Site) => targets.some(({ site, dead }) => site.id === id && dead.length > 0);
    const means = by === 'contribution' ? await inputMeans(stripped, hasDead) : null;
    const round = stripRound(model, targets, patched, { fraction, means, allowShared });
    unstripped = round.unstripped;
    if (!round.modified) break;
    const dead = deadIn(current, sites);
    current = auditOfMeasurement(await measureWhole(stripped), subject);
    rounds.push({ dead, changes: round.changes, deadAfter: deadIn(current, sites) });
    options.onStage?.(roundWords(rounds));
  }
  const isChanged = rounds.length > 0;
  const after =
    isChanged && !('reason' in quality) ? await measureQuality(stripped, { task: quality.task }) : quality;
  const comparison = compareQuality(quality, after);
  const refused = limit !== null && isChanged && isTooMuchWorse(comparison, limit);
  const hint = by === 'weight' && isChanged ? await signedInputs(stripped, before.dead, current.dead) : null;
  if (subject.signal.aborted) throw new Interrupted('Interrupted; nothing was written.');
  const createdAt = new Date().toISOString();
  const settings = { by, fraction, rounds: most };
  const first = before.report();
  const record = { tool, createdAt, options: settings, changes: recorded(rounds, first) };
  const { opened, signal } = subject;
  return stripReport({
    createdAt,
    before: first,
    after: current.report(),
    options: { ...settings, allowShared, mode: modeOf(options.to) },
    rounds,
    unstripped,
    quality: comparison,
    maxQualityLoss: limit,
    refused,
    warnings: hint ? [hint] : [],
    output: options.to && !refused ? await writeStripped(opened, options.to, record, { signal }) : null,
  });
}

/** Rolls back an interrupted strip in place: its mixture of old and new weights must not be audited. */
async function rollBackPending({ model, onStage }: StripOptions): Promise<void> {
  if (recordStatus(model) !== 'pending') return;
  await undoStrip(model);
  onStage?.('An interrupted strip in place was rolled back.');
}

/** Returns the MLP sites whose dead neurons are stripped: mlp_post, unless the options select mlp_pre. */
function strippedSites({ original, options }: Subject): Site[] {
  const sites = original.sites.filter(
    ({ site }) => site === 'mlp_post' || (options.sites !== undefined && site === 'mlp_pre'),
  );
  if (sites.length > 0) return sites;
  throw new UserError(
    'Expected at least one mlp_post site to strip, found none among the selected sites; `audit inspect` lists them.',
    'no-sites',
  );
}

/** Returns the subject as if its file held the patched weights. Only the given sites are measured. */
function strippedSubject(subject: Subject, sites: readonly Site[], patched: PatchedWeights): Subject {
  const ids = new Set(sites.map(({ id }) => id));
  return edited(subject, (copy) => {
    applyPatched(copy.model, patched);
    copy.sites = copy.sites.filter(({ id }) => ids.has(id));
  });
}

/** Dead neurons of an audit by site id, and its report. */
interface Audit {
  dead: ReadonlyMap<string, readonly number[]>;
  report: () => AuditReport;
}

function auditOf(report: AuditReport): Audit {
  return { dead: new Map(report.sites.map((site) => [site.id, site.deadNeurons])), report: () => report };
}

function auditOfMeasurement(measurement: Measurement, subject: Subject): Audit {
  const { sites, counters, criterion } = measurement;
  return {
    dead: new Map(sites.map(({ id }, i) => [id, deadNeurons(counters[i]!, criterion)])),
    report: () => reportOf(measurement, { model: describeModel(subject, subject.options.name) }),
  };
}

const deadIn = ({ dead }: Audit, sites: readonly Site[]): number =>
  sites.reduce((sum, { id }) => sum + (dead.get(id)?.length ?? 0), 0);

const isTooMuchWorse = (change: StripReport['quality'], limit: number): boolean =>
  !('reason' in change) && (change.worse === null || change.worse > limit);

/** Returns the changes of all rounds in the words of a record. */
function recorded(rounds: readonly Round[], { criterion }: AuditReport): RecordParts['changes'] {
  const limit = criterion.deadBelow === null ? '' : ` ${criterion.deadBelow}`;
  return rounds.flatMap(({ changes }, i) =>
    changes.map(({ role: _, ...change }: StripChange) => ({
      ...change,
      round: i + 1,
      reason: `dead by ${criterion.dead}${limit}`,
    })),
  );
}

function roundWords(rounds: readonly Round[]): string {
  const { dead, changes, deadAfter } = rounds.at(-1)!;
  const weights = changes.reduce((sum, { elements }) => sum + elements.length, 0);
  return `Round ${rounds.length}: ${weights} weights of ${dead} dead neurons set to zero, ${deadAfter} dead after it.`;
}
