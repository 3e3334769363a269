import { tool } from '../../files/package.js';
import type { NoQuality } from '../../measure/quality.js';
import { type AuditReport, SCHEMA_VERSION, type Warning } from '../../report/schema.js';
import { type Quality, qualityLoss } from '../../stats/quality.js';
import type { Activation } from './activation.js';
import { swapChart } from './chart.js';
import type { SwapReport, SwapVariant } from './schema.js';

/** Returns what a report says of one variant. */
export function variantResult(
  activation: Activation | null,
  { sites, summary }: AuditReport,
  { own, quality, output }: { own: Quality | NoQuality; quality: Quality | NoQuality; output: string | null },
): SwapVariant {
  const worse = 'reason' in own || 'reason' in quality ? null : qualityLoss(own, quality);
  return {
    activation: activation?.label ?? null,
    sites: sites.map(({ id, stack, layer, site, part, neurons, dead, deadRatio, flags, ...rest }) => ({
      id,
      stack,
      layer,
      site,
      part,
      activation: rest.activation,
      neurons,
      dead,
      deadRatio,
      silent: flags.silent,
      neverPositive: flags.neverPositive,
      constant: flags.constant,
    })),
    deadRatio: summary.deadRatio,
    quality,
    worse: worse !== null && Number.isFinite(worse) ? worse : null,
    output,
  };
}

/** Writes the report of a swap. */
export function swapReport({
  first,
  variants,
  warnings,
  options,
}: {
  /** The audit of the model as it is. */
  first: AuditReport;
  variants: SwapVariant[];
  warnings: Warning[];
  options: SwapReport['options'];
}): SwapReport {
  const { model, data, runtime, criterion } = first;
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'swap',
    tool,
    createdAt: new Date().toISOString(),
    warnings: [...first.warnings.filter(({ site }) => site === undefined), ...warnings],
    model,
    data,
    runtime,
    criterion,
    options,
    variants,
    chart: swapChart(variants, `Dead neurons by activation function: ${model.name}`),
  };
}
