import type { AuditReport } from '../../report/schema.js';
import { extractOf } from './extract.js';
import { exporter } from './registry.js';
import { type ModelHealth, modelSamples } from './samples.js';
import { addAudit, NO_TOTALS } from './totals.js';

/** Renders the series of one finished audit for a batch or CI run; they are the same as the exporter's. */
export async function renderAudit(report: AuditReport, previous: AuditReport | null = null): Promise<string> {
  const latest = extractOf(report, previous);
  return render({
    model: latest.model,
    latest,
    totals: addAudit(NO_TOTALS, latest),
    audits: { success: 1, failed: 0, cancelled: 0 },
    lastAuditSuccess: true,
  });
}

/** Renders the few series that an audit that failed has. */
export async function renderFailure(model: string): Promise<string> {
  const samples = modelSamples({
    model,
    latest: null,
    totals: NO_TOTALS,
    audits: { success: 0, failed: 1, cancelled: 0 },
    lastAuditSuccess: false,
  });
  return exporter(() => samples.filter(({ metric }) => metric !== 'positions_total')).render('prometheus');
}

function render(health: ModelHealth): Promise<string> {
  return exporter(() => modelSamples(health)).render('prometheus');
}
