import { UserError } from '../errors.js';
import { underCriterionOf } from '../report/baseline.js';
import type { DiffReport } from '../report/diff-schema.js';
import { number } from '../report/format.js';
import { type AuditReport, SCHEMA_VERSION, type SiteReport, type Warning } from '../report/schema.js';
import { FLAGS } from '../stats/flags.js';

type DiffSite = DiffReport['sites'][number];

/**
 * What changed between two reports, neuron by neuron; sites are matched by id, so that two exports of one
 * model can be compared. The old dead sets are computed anew under the new criterion where the counters allow
 * it.
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
    const was = oldSites.get(site.id);
    return was ? [diffSite(was, site, warnings)] : [];
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

function diffSite(was: SiteReport, is: SiteReport, warnings: Warning[]): DiffSite {
  const { id, stack, layer, site, part } = is;
  const same = was.neurons === is.neurons;
  if (!same) {
    const message = `${id} has ${number(is.neurons)} neurons, before ${number(was.neurons)}: they cannot be matched.`;
    warnings.push({ code: 'neurons-differ', message, site: id });
  }
  const before = new Set(was.deadNeurons);
  const now = new Set(is.deadNeurons);
  return {
    id,
    stack,
    layer,
    site,
    part,
    neurons: { old: was.neurons, new: is.neurons },
    dead: { old: was.dead, new: is.dead },
    deadRatio: change(was.deadRatio, is.deadRatio),
    newlyDead: same ? is.deadNeurons.filter((index) => !before.has(index)) : null,
    revived: same ? was.deadNeurons.filter((index) => !now.has(index)) : null,
    deadInBoth: same ? is.deadNeurons.filter((index) => before.has(index)) : null,
    flags: Object.fromEntries(
      FLAGS.map((flag) => [flag, { old: was.flags[flag], new: is.flags[flag] }]),
    ) as DiffSite['flags'],
  };
}

/** The old report under the new criterion; as it is where its counters do not hold that. */
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
  if (dataName(old) !== dataName(current) || old.data.positions !== current.data.positions) {
    const [a, b] = [old, current].map(
      (report) => `${dataName(report)} (${number(report.data.positions)} positions)`,
    );
    warnings.push({
      code: 'data-differs',
      message: `The reports are about different data: ${a}, then ${b}.`,
    });
  }
  return warnings;
}

/**
 * Two reports that are hardly about one model: another architecture, or sites of which the fewest are in
 * both.
 */
function modelsDiffer(old: AuditReport, current: AuditReport): Warning | null {
  const [a, b] = [old.model, current.model];
  if (a.graphSha256 === b.graphSha256) return null;
  const [before, now] = [old, current].map(({ sites }) => sites.map(({ id }) => id));
  const common = before!.filter((id) => now!.includes(id)).length;
  const most = Math.max(before!.length, now!.length);
  // A selection of sites is all in the other report.
  const selected = common === Math.min(before!.length, now!.length);
  const architectures = a.architecture && b.architecture && a.architecture !== b.architecture;
  if (!architectures && (selected || common === 0 || 2 * common >= most)) return null;
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
    data: dataName(report),
    positions: data.positions,
    criterion,
  };
}

function dataName({ data: { name, variant, split } }: AuditReport): string {
  return [name, variant, split].filter((part) => part !== null && part !== '').join(' ');
}

function change(old: number | null, current: number | null) {
  return { old, new: current, change: old === null || current === null ? null : current - old };
}
