import type { AuditExtract } from './extract.js';

/** Sums of a model's counters and histograms over its audits, by site id. Plain JSON. */
export interface Totals {
  positions: number;
  sites: Record<string, SiteTotals>;
}

export interface SiteTotals {
  nonFiniteValues: number;
  frequency: { counts: number[]; sum: number };
  values: { counts: number[] };
}

export const NO_TOTALS: Totals = { positions: 0, sites: {} };

/** Adds one more audit to the totals. Merge rule: everything adds. The arguments stay as they are. */
export function addAudit(totals: Totals, audit: Pick<AuditExtract, 'positions' | 'sites'>): Totals {
  const sites = { ...totals.sites };
  for (const { id, nonFiniteValues, frequency, values } of audit.sites) {
    const before = sites[id];
    sites[id] = {
      nonFiniteValues: (before?.nonFiniteValues ?? 0) + nonFiniteValues,
      frequency: {
        counts: added(before?.frequency.counts, frequency.counts),
        sum: (before?.frequency.sum ?? 0) + frequency.sum,
      },
      values: { counts: added(before?.values.counts, values?.counts ?? []) },
    };
  }
  return { positions: totals.positions + audit.positions, sites };
}

function added(a: number[] = [], b: number[] = []): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + (b[i] ?? 0));
}
