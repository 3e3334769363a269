import { audit } from '../../app/audit.js';
import type { DataSet } from '../../data/types.js';
import { Interrupted, UserError } from '../../errors.js';
import { recordStatus } from '../../files/journal.js';
import { tool } from '../../files/package.js';
import { openAuditData } from '../../measure/audit-data.js';
import { hashFiles } from '../../measure/describe-model.js';
import {
  inputMeans,
  measureQuality,
  openForAudit,
  requireSites,
  type SelectedModel,
} from '../../measure/load.js';
import { findHazards } from '../../patterns/hazards.js';
import type { AuditReport } from '../../report/schema.js';
import { pickDevice } from '../../runtime/devices.js';
import type { AuditOptions } from '../../settings/options.js';
import type { Site } from '../../sites/types.js';
import { checkDestination, type Destination, modeOf } from '../destination.js';
import { applyPatched, type PatchedWeights } from '../patched-weights.js';
import { compareQuality } from '../quality-change.js';
import { DEFAULT_FRACTION } from './choose-weights.js';
import { writeStripped } from './output.js';
import { type Round, stripReport } from './result.js';
import { type StripChange, stripRound, type Unstripped } from './round.js';
import type { StripReport } from './schema.js';
import { firstReport } from './start.js';
import { undoStrip } from './undo.js';

export interface StripOptions extends AuditOptions {
  /** Where to write; `null` for a dry run, which writes nothing. */
  to: Destination | null;
  /** Prune the most negative weights (the paper's), or the most negative mean contributions w·E[x]; default weight. */
  by?: 'weight' | 'contribution';
  /** Share of a neuron's remaining incoming weights that a round removes, in (0, 1]; default 0.1. */
  fraction?: number;
  /** Rounds of detect and strip at most; default 1. */
  rounds?: number;
  /** Also weights that something else reads; then only neurons dead at all sites behind which they are. */
  allowShared?: boolean;
  /** A saved audit of this model for the first round. */
  saved?: { path: string; report: AuditReport };
  /** Nothing is written when the quality falls by more than this ratio (see `qualityLoss`). */
  maxQualityLoss?: number;
}

/**
 * Synaptic stripping (Whitaker & Whitley 2023): sets the most negative incoming weights of dead neurons to zero, audits
 * the result, and writes it as a clone of the file in which nothing else differs.
 *
 * Everything is tried in overlays first: a file is written once, when the outcome is known.
 *
 * @throws UserError for bad input; RunError when a run fails; Interrupted when aborted: nothing is written then.
 */
export async function strip(options: StripOptions): Promise<StripReport> {
  const { to, by = 'weight', fraction = DEFAULT_FRACTION, rounds: most = 1, allowShared = false } = options;
  if (!(fraction > 0 && fraction <= 1)) {
    throw new UserError(`Expected --fraction to be in (0, 1], got \`${fraction}\`.`, 'option-value');
  }
  const signal = options.signal ?? new AbortController().signal;
  // What an interrupted strip in place has left is not what anybody wants to audit.
  if (recordStatus(options.model) === 'pending') {
    await undoStrip(options.model);
    options.onStage?.('An interrupted strip in place was rolled back.');
  }
  const { opened, load } = await openForAudit(options);
  if (to) await checkDestination(opened, to);
  const selected = load();
  requireSites(selected);
  const sites = strippedSites(selected.sites, options);
  const sha256 = options.saved ? await hashFiles(opened.files, signal) : null;
  const { device } = await pickDevice(options.device ?? 'auto');
  const oneThread = findHazards(selected.model.graph).some(({ singleThread }) => singleThread);
  const session = { device, threads: oneThread ? 1 : (options.threads ?? 0) };
  const data = await openAuditData(options, selected, signal);

  const patched: PatchedWeights = new Map();
  const loadPatched = (): SelectedModel => {
    const fresh = load();
    applyPatched(fresh.model, patched);
    return fresh;
  };
  const auditNow = async (): Promise<AuditReport> => {
    const edit = ({ model }: SelectedModel) => void applyPatched(model, patched);
    const only = { sites: sites.map(({ id }) => id), hash: false, checkOutputs: false };
    const report = await audit({ ...options, ...only }, { edit });
    if (signal.aborted || !report.data.complete) throw new Interrupted('Interrupted; nothing was written.');
    return report;
  };

  const before = options.saved
    ? firstReport(options.saved, opened, sha256, sites, options)
    : await auditNow();
  const quality =
    deadIn(before, sites) > 0
      ? await measureQuality(loadPatched, data, { ...options, session, signal })
      : { reason: 'nothing is dead, so nothing was changed' };
  const limit = options.maxQualityLoss ?? null;
  if (limit !== null && 'reason' in quality && deadIn(before, sites) > 0) {
    throw new UserError(
      `\`--max-quality-loss\` cannot be held: the quality is not known, since ${quality.reason}.`,
      'quality-unknown',
    );
  }
  const rounds: Round[] = [];
  let current = before;
  let unstripped: Unstripped[] = [];
  while (rounds.length < most && deadIn(current, sites) > 0) {
    const means =
      by === 'contribution' ? await meansOf(loadPatched, sites, current, data, session, signal) : null;
    const targets = sites.map((site) => ({ site, dead: deadAt(current, site) }));
    const round = stripRound(selected.model, targets, patched, { fraction, means, allowShared });
    unstripped = round.unstripped;
    if (!round.modified) break;
    const dead = deadIn(current, sites);
    current = await auditNow();
    rounds.push({ dead, changes: round.changes, deadAfter: deadIn(current, sites) });
    options.onStage?.(roundWords(rounds));
  }
  const changed = rounds.length > 0;
  const now =
    changed && !('reason' in quality)
      ? await measureQuality(loadPatched, data, { ...options, session, signal, task: quality.task })
      : quality;
  const comparison = compareQuality(quality, now);
  const refused = limit !== null && changed && tooMuchWorse(comparison, limit);
  const createdAt = new Date().toISOString();
  const settings = { by, fraction, rounds: most };
  if (signal.aborted) throw new Interrupted('Interrupted; nothing was written.');
  const output =
    to && !refused
      ? await writeStripped(
          opened,
          to,
          { tool, createdAt, options: settings, changes: recorded(rounds, before) },
          { signal },
        )
      : null;
  return stripReport({
    createdAt,
    before,
    after: current,
    options: { ...settings, allowShared, mode: modeOf(to) },
    rounds,
    unstripped,
    quality: comparison,
    maxQualityLoss: limit,
    refused,
    output,
  });
}

/** The MLP sites whose dead neurons are stripped: mlp_post, unless others were asked for. */
function strippedSites(all: Site[], { sites }: AuditOptions): Site[] {
  const found = all.filter(({ site }) => site === 'mlp_post' || (sites !== undefined && site === 'mlp_pre'));
  if (found.length > 0) return found;
  throw new UserError(
    'Expected at least one mlp_post site to strip, found none among the selected sites; `audit inspect` lists them.',
    'no-sites',
  );
}

const deadAt = (report: AuditReport, { id }: Site): number[] =>
  report.sites.find((site) => site.id === id)?.deadNeurons ?? [];

const deadIn = (report: AuditReport, sites: readonly Site[]): number =>
  sites.reduce((sum, site) => sum + deadAt(report, site).length, 0);

function meansOf(
  load: () => SelectedModel,
  sites: readonly Site[],
  current: AuditReport,
  data: DataSet,
  session: Parameters<typeof inputMeans>[3]['session'],
  signal: AbortSignal,
): Promise<Map<string, Float64Array>> {
  const ids = new Set(sites.filter((site) => deadAt(current, site).length > 0).map(({ id }) => id));
  return inputMeans(load, ({ id }) => ids.has(id), data, { session, signal });
}

const tooMuchWorse = (change: StripReport['quality'], limit: number): boolean =>
  !('reason' in change) && (change.worse === null || change.worse > limit);

/** The changes of all rounds in the words of a record. */
function recorded(rounds: readonly Round[], { criterion }: AuditReport) {
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
