import { resolution } from '../stats/distribution.js';
import { counted, number, percent } from './format.js';
import type { AuditReport, SiteReport, Warning } from './schema.js';

/**
 * Codes of the warnings that follow from the rest of the report. They are computed anew whenever a report is
 * rebuilt.
 */
export const DERIVED_WARNINGS = [
  'resolution',
  'no-data',
  'signed-sum',
  'non-finite',
  'incomplete-data',
] as const;

/** Codes of warnings that weaken the verdict of a gate: under `strict` they fail it. */
export const WEAKENING_WARNINGS: readonly string[] = [
  ...DERIVED_WARNINGS,
  'coverage',
  'baseline-site-missing',
  'baseline-site-changed',
  'baseline-differs',
];

/** Returns the warnings that follow from sites, data and criterion. */
export function derivedWarnings(report: Pick<AuditReport, 'sites' | 'data' | 'criterion'>): Warning[] {
  return [
    ...incompleteData(report.data),
    ...coarseResolution(report),
    ...warningsAt(report.sites, 'no-data', ({ positions }) => positions === 0 && 'saw no position at all'),
    ...warningsAt(
      report.sites,
      'non-finite',
      ({ flags, neurons }) =>
        flags.nonFinite > 0 &&
        `has NaN or infinite values in ${number(flags.nonFinite)} of ${counted(neurons, 'neuron')}`,
    ),
    ...signedSum(report),
  ];
}

function incompleteData(data: AuditReport['data']): Warning[] {
  const code = 'incomplete-data';
  if (!data.complete) {
    const message = `The run was stopped after ${counted(data.positions, 'position')}: gates are not evaluated on it.`;
    return [{ code, message }];
  }
  if (!Array.isArray(data.shard)) return [];
  const shards = data.shard.map(({ index, count }) => `${index}/${count}`).join(', ');
  return [{ code, message: `Only some shards of the data were merged: ${shards}.` }];
}

/**
 * Warns if the resolution is too coarse for the limit of the frequency criterion. A census has no resolution.
 */
function coarseResolution({ sites, criterion }: Pick<AuditReport, 'sites' | 'criterion'>): Warning[] {
  const { dead, deadBelow, resolution: overall } = criterion;
  if (dead !== 'frequency' || deadBelow === null || overall === null || overall <= deadBelow) return [];
  const needed = number(Math.ceil(3 / deadBelow));
  const message = (positions: number) =>
    `${counted(positions, 'position')} cannot tell a frequency below ${percent(Math.min(1, resolution(positions)!))} from zero, ` +
    `but the limit for dead is ${percent(deadBelow)}: audit at least ${needed} positions.`;
  const seen = sites.filter(({ positions }) => positions > 0);
  if (new Set(seen.map(({ positions }) => positions)).size === 1) {
    return [{ code: 'resolution', message: message(seen[0]!.positions) }];
  }
  return seen
    .filter(({ positions }) => resolution(positions)! > deadBelow)
    .map(({ id, positions }) => ({
      code: 'resolution',
      message: `At ${id}, ${message(positions)}`,
      site: id,
    }));
}

/**
 * Warns of the criterion `sum` where positive and negative values cancel: a sum near zero says nothing there.
 */
function signedSum({ sites, criterion }: Pick<AuditReport, 'sites' | 'criterion'>): Warning[] {
  if (criterion.dead !== 'sum') return [];
  return warningsAt(sites, 'signed-sum', ({ site, values }) => {
    const signed = site !== 'mlp_post' || ((values.min ?? 0) < 0 && (values.max ?? 0) > 0);
    return signed && 'has positive and negative values, which cancel in the sum that decides about dead';
  });
}

/** A warning for each site of which there is something to say. */
function warningsAt(
  sites: SiteReport[],
  code: string,
  predicate: (site: SiteReport) => string | false,
): Warning[] {
  return sites.flatMap((site) => {
    const text = predicate(site);
    return text ? [{ code, message: `${site.id} ${text}.`, site: site.id }] : [];
  });
}

/** Warnings of one kind that are shown one by one; the others are counted. */
const SHOWN_OF_A_KIND = 3;

/**
 * Returns the warnings to show to a person: a model with hundreds of experts may have hundreds of one kind.
 */
export function shownWarnings(warnings: readonly Warning[]): Warning[] {
  const groups = new Map<string, Warning[]>();
  for (const warning of warnings) groups.set(warning.code, [...(groups.get(warning.code) ?? []), warning]);
  return [...groups.values()].flatMap((group) => {
    if (group.length <= SHOWN_OF_A_KIND + 1) return group;
    const more = {
      code: group[0]!.code,
      message: `… and ${number(group.length - SHOWN_OF_A_KIND)} more of this kind.`,
    };
    return [...group.slice(0, SHOWN_OF_A_KIND), more];
  });
}
