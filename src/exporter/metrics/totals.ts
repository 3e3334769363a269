import type { AuditExtract } from './extract.js';

/** Sums of a model's counters and histograms over its audits, by site id. Plain JSON. */
export interface Totals {
  positions: number;
  /** Content of the file that the sums of the sites are about, as `AuditExtract.file`. */
  file?: string;
  sites: Record<string, SiteTotals>;
}

export interface SiteTotals {
  nonFiniteValues: number;
  frequency: { counts: number[]; sum: number };
  values: { counts: number[] };
}

export const NO_TOTALS: Totals = { positions: 0, sites: {} };

/**
 * Adds one more audit to the totals. Merge rule: everything adds, as long as the file is the same. With
 * another file the sums of the sites start anew, so that no histogram mixes a model with the one that it
 * replaced; to Prometheus that is the reset of a counter. The arguments stay as they are.
 */
export function addAudit(totals: Totals, audit: Pick<AuditExtract, 'positions' | 'sites' | 'file'>): Totals {
  const isReplaced = totals.file !== undefined && audit.file !== undefined && totals.file !== audit.file;
  const sites = isReplaced ? {} : { ...totals.sites };
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
  const file = audit.file ?? totals.file;
  return { positions: totals.positions + audit.positions, ...(file !== undefined && { file }), sites };
}

function added(a: number[] = [], b: number[] = []): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + (b[i] ?? 0));
}
