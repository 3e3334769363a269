import type { AuditReport } from '../../report/schema.js';
import { extractOf } from './extract.js';
import { exporter } from './registry.js';
import { type ModelHealth, modelSamples } from './samples.js';
import { addAudit, NO_TOTALS } from './totals.js';

/** The exposition of one finished audit: the same series that the exporter has, for a batch or CI run. */
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

/** The exposition of an audit that failed: only what it can say. */
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
