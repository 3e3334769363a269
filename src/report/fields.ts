import { frequencies, frequencyDistribution } from '../stats/distribution.js';
import type { Flag } from '../stats/flags.js';
import { valueSummary } from '../stats/value-summary.js';
import type { GraphField } from './graph-fields.js';
import { siteCounters } from './recompute.js';
import type { SiteReport } from './schema.js';
import { SITE_KINDS } from './summary.js';

const FLAG_FIELDS = {
  silent: 'silent',
  never_positive: 'neverPositive',
  dormant: 'dormant',
  constant: 'constant',
  saturated: 'saturated',
  non_finite: 'nonFinite',
} as const satisfies Record<string, Flag>;
type FlagField = keyof typeof FLAG_FIELDS;

const FREQUENCY_FIELDS = ['min', 'p01', 'p05', 'p50', 'p95', 'p99', 'max', 'mean'] as const;
const VALUE_FIELDS = ['min', 'max', 'mean', 'std'] as const;

export type Field =
  | 'dead_ratio'
  | 'dead'
  | 'neurons'
  | 'positions'
  | FlagField
  | `${FlagField}_ratio`
  | `frequency_${(typeof FREQUENCY_FIELDS)[number]}`
  | `value_${(typeof VALUE_FIELDS)[number]}`;

/** Fields that a rule may compare with a number. */
export const FIELDS: readonly Field[] = [
  'dead_ratio',
  'dead',
  'neurons',
  'positions',
  ...(Object.keys(FLAG_FIELDS) as FlagField[]),
  ...(Object.keys(FLAG_FIELDS) as FlagField[]).map((flag) => `${flag}_ratio` as const),
  ...FREQUENCY_FIELDS.map((name) => `frequency_${name}` as const),
  ...VALUE_FIELDS.map((name) => `value_${name}` as const),
];

/** Returns true if the field is a share from 0 to 1, whose limit may be a percentage. */
export function isRatio(field: Field | GraphField): boolean {
  return field.endsWith('_ratio') || field.startsWith('frequency_') || field === 'zero_share';
}

/**
 * Computes a field over all neurons of some sites taken together: counts add, ratios are over all neurons,
 * quantiles and moments are of all neurons.
 *
 * @returns `null` if no value was seen to compute it from.
 */
export function fieldValue(sites: SiteReport[], field: Field): number | null {
  const total = (of: (site: SiteReport) => number) => sites.reduce((sum, site) => sum + of(site), 0);
  const ratio = (part: number) => {
    const neurons = total((site) => site.neurons);
    return neurons > 0 && sites.some(({ positions }) => positions > 0) ? part / neurons : null;
  };
  if (field === 'dead_ratio') return ratio(total((site) => site.dead));
  if (field === 'dead' || field === 'neurons') return total((site) => site[field]);
  if (field === 'positions') return Math.min(...sites.map(({ positions }) => positions));
  const flag = FLAG_FIELDS[field.replace(/_ratio$/, '') as FlagField];
  if (flag) {
    const carriers = total((site) => site.flags[flag]);
    return field.endsWith('_ratio') ? ratio(carriers) : carriers;
  }
  const [group, name] = field.split('_') as ['frequency' | 'value', string];
  if (group === 'frequency') return frequency(sites, name as (typeof FREQUENCY_FIELDS)[number]);
  return value(sites, name as (typeof VALUE_FIELDS)[number]);
}

/**
 * Returns true if the selector is the name of a site alone: then a rule judges all its neurons in the model
 * together.
 */
export function isSiteName(selector: string): boolean {
  return (SITE_KINDS as readonly string[]).includes(selector);
}

function frequency(sites: SiteReport[], name: (typeof FREQUENCY_FIELDS)[number]): number | null {
  if (sites.length === 1) return sites[0]!.frequency[name];
  const all = sites.flatMap((site) => Array.from(frequencies(siteCounters(site))));
  return frequencyDistribution(Float64Array.from(all))[name];
}

function value(sites: SiteReport[], name: (typeof VALUE_FIELDS)[number]): number | null {
  if (sites.length === 1) return sites[0]!.values[name];
  return valueSummary(...sites.map(siteCounters))[name];
}
