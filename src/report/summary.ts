import type { AuditReport, SiteKind, SiteReport } from './schema.js';

/** Names of sites, in the order in which data flow through them. */
export const SITE_KINDS = ['mlp_pre', 'mlp_post', 'attn_out', 'output'] as const satisfies SiteKind[];

/**
 * Counts dead neurons over the whole model, by site name; the model's ratio is that of its mlp_post neurons.
 */
export function summarize(sites: SiteReport[]): Pick<AuditReport['summary'], 'deadRatio' | 'bySite'> {
  const bySite: AuditReport['summary']['bySite'] = {};
  for (const kind of SITE_KINDS) {
    const members = sites.filter(({ site }) => site === kind);
    if (members.length === 0) continue;
    const worst = members.reduce((a, b) => ((b.deadRatio ?? -1) > (a.deadRatio ?? -1) ? b : a));
    const neurons = total(members, 'neurons');
    const dead = total(members, 'dead');
    bySite[kind] = {
      neurons,
      dead,
      deadRatio: members.every(({ deadRatio }) => deadRatio === null) ? null : dead / neurons,
      worst: { id: worst.id, deadRatio: worst.deadRatio },
    };
  }
  return { deadRatio: bySite.mlp_post?.deadRatio ?? null, bySite };
}

function total(sites: SiteReport[], field: 'neurons' | 'dead'): number {
  return sites.reduce((sum, site) => sum + site[field], 0);
}
