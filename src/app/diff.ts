import { UserError } from '../errors.js';
import { underCriterionOf } from '../report/baseline.js';
import type { DiffReport } from '../report/diff-schema.js';
import { number } from '../report/format.js';
import { type AuditReport, SCHEMA_VERSION, type SiteReport, type Warning } from '../report/schema.js';
import { dataName } from '../report/words.js';
import { FLAGS } from '../stats/flags.js';

type DiffSite = DiffReport['sites'][number];

/**
 * Compares two reports neuron by neuron. Sites are matched by id, so that two exports of one model can be
 * compared. The old dead sets are computed anew under the new criterion if the counters allow it.
 */
export function diffReports(
  old: AuditReport,
  current: AuditReport,
  createdAt = new Date().toISOString(),
): DiffReport {
  const warnings = differences(old, current);
  const before = comparable(old, current, warnings);
  const unlike = modelsDiffer(old, current);
  if (unlike) warnings.push(unlike);
  const oldSites = new Map(before.sites.map((site) => [site.id, site]));
  const newIds = new Set(current.sites.map(({ id }) => id));
  const sites = current.sites.flatMap((site) => {
    const oldSite = oldSites.get(site.id);
    return oldSite ? [diffSite(oldSite, site, warnings)] : [];
  });
  if (sites.length === 0) {
    warnings.push({ code: 'no-common-site', message: 'The two reports have no site in common.' });
  }
  const total = (of: (site: DiffSite) => number[] | null) =>
    sites.reduce((sum, site) => sum + (of(site)?.length ?? 0), 0);
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'diff',
    tool: current.tool,
    createdAt,
    warnings,
    old: side(old),
    new: side(current),
    sites,
    onlyOld: old.sites.map(({ id }) => id).filter((id) => !newIds.has(id)),
    onlyNew: current.sites.map(({ id }) => id).filter((id) => !oldSites.has(id)),
    summary: {
      newlyDead: total((site) => site.newlyDead),
      revived: total((site) => site.revived),
      deadInBoth: total((site) => site.deadInBoth),
      deadRatio: change(before.summary.deadRatio, current.summary.deadRatio),
    },
  };
}

function diffSite(old: SiteReport, current: SiteReport, warnings: Warning[]): DiffSite {
  const { id, stack, layer, site, part } = current;
  const canMatch = old.neurons === current.neurons;
  if (!canMatch) {
    const message = `${id} has ${number(current.neurons)} neurons, before ${number(old.neurons)}: they cannot be matched.`;
    warnings.push({ code: 'neurons-differ', message, site: id });
  }
  const oldDead = new Set(old.deadNeurons);
  const currentDead = new Set(current.deadNeurons);
  return {
    id,
    stack,
    layer,
    site,
    part,
    neurons: { old: old.neurons, new: current.neurons },
    dead: { old: old.dead, new: current.dead },
    deadRatio: change(old.deadRatio, current.deadRatio),
    newlyDead: canMatch ? current.deadNeurons.filter((index) => !oldDead.has(index)) : null,
    revived: canMatch ? old.deadNeurons.filter((index) => !currentDead.has(index)) : null,
    deadInBoth: canMatch ? current.deadNeurons.filter((index) => oldDead.has(index)) : null,
    flags: Object.fromEntries(
      FLAGS.map((flag) => [flag, { old: old.flags[flag], new: current.flags[flag] }]),
    ) as DiffSite['flags'],
  };
}

/** The old report under the new criterion, or as it is if its counters were counted under another. */
function comparable(old: AuditReport, current: AuditReport, warnings: Warning[]): AuditReport {
  try {
    const before = underCriterionOf(current, old);
    if (before !== old) {
      const message = `The old report's dead neurons were found anew by the new criterion, ${current.criterion.dead}.`;
      warnings.push({ code: 'criterion-differs', message });
    }
    return before;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const message =
      'The reports count firing differently (firing, threshold): their dead neurons do not compare.';
    warnings.push({ code: 'criterion-differs', message });
    return old;
  }
}

function differences(old: AuditReport, current: AuditReport): Warning[] {
  const warnings: Warning[] = [];
  for (const [name, { data }] of [
    ['old', old],
    ['new', current],
  ] as const) {
    if (data.complete) continue;
    const message = `The ${name} report is incomplete: its run was stopped after ${number(data.positions)} positions.`;
    warnings.push({ code: 'incomplete-data', message });
  }
  if (dataName(old.data) !== dataName(current.data) || old.data.positions !== current.data.positions) {
    const [a, b] = [old, current].map(
      ({ data }) => `${dataName(data)} (${number(data.positions)} positions)`,
    );
    warnings.push({
      code: 'data-differs',
      message: `The reports are of different data: ${a}, then ${b}.`,
    });
  }
  return warnings;
}

/**
 * Warns if the reports are hardly of one model: the architectures differ, or less than half of the sites are
 * in both. An audit of selected sites is no such case: all its sites are in the other report.
 */
function modelsDiffer(old: AuditReport, current: AuditReport): Warning | null {
  const [a, b] = [old.model, current.model];
  if (a.graphSha256 === b.graphSha256) return null;
  const [before, now] = [old, current].map(({ sites }) => sites.map(({ id }) => id));
  const common = before!.filter((id) => now!.includes(id)).length;
  const most = Math.max(before!.length, now!.length);
  const isSelection = common === Math.min(before!.length, now!.length);
  const architectures = a.architecture && b.architecture && a.architecture !== b.architecture;
  if (!architectures && (isSelection || common === 0 || 2 * common >= most)) return null;
  const which = architectures ? ` (${a.architecture}, ${b.architecture})` : '';
  const message = `${a.name} and ${b.name} look like different models${which}: ${common} of ${most} sites have the same id, and neurons of the same index need have nothing in common.`;
  return { code: 'model-differs', message };
}

function side(report: AuditReport): DiffReport['old'] {
  const { model, createdAt, data, criterion } = report;
  return {
    model: model.name,
    path: model.path,
    createdAt,
    graphSha256: model.graphSha256,
    data: dataName(data),
    positions: data.positions,
    criterion,
  };
}

function change(old: number | null, current: number | null) {
  return { old, new: current, change: old === null || current === null ? null : current - old };
}
