import { audit } from '../../app/audit.js';
import { Interrupted, UserError } from '../../errors.js';
import { tool } from '../../files/package.js';
import { resolveIf } from '../../graph/resolve-if.js';
import { allNodes } from '../../graph/traversal.js';
import { openAuditData } from '../../measure/audit-data.js';
import { measureQuality, openForAudit, requireSites, type SelectedModel } from '../../measure/load.js';
import type { NoQuality } from '../../measure/quality.js';
import { findHazards } from '../../patterns/hazards.js';
import { type AuditReport, SCHEMA_VERSION, type Warning } from '../../report/schema.js';
import { pickDevice } from '../../runtime/devices.js';
import type { AuditOptions } from '../../settings/options.js';
import { type Quality, qualityLoss } from '../../stats/quality.js';
import { swapChart } from './chart.js';
import { openVariantFolder } from './output.js';
import type { SwapReport, SwapVariant } from './schema.js';
import { swapActivations } from './swap-activation.js';
import { WRITTEN_ACTIVATIONS, type WrittenActivation } from './write-activation.js';

export interface SwapOptions extends AuditOptions {
  to: WrittenActivation[];
  /** Of Leaky ReLU and ELU; default 0.01 and 1. */
  alpha?: number;
  /** Folder that the variants and the chart are written to. */
  folder?: string;
}

/**
 * Audits a model with other activation functions in its MLPs, each in an overlay and on the same batches, and compares
 * dead ratios and quality. Nothing is retrained.
 *
 * @throws UserError for bad input; RunError when a run fails; Interrupted when aborted.
 */
export async function swap(options: SwapOptions): Promise<SwapReport> {
  const { to, alpha, folder } = options;
  const signal = options.signal ?? new AbortController().signal;
  const unknown = to.find((name) => !WRITTEN_ACTIVATIONS.includes(name));
  if (unknown !== undefined || to.length === 0) {
    throw new UserError(
      `Expected --to to be some of ${WRITTEN_ACTIVATIONS.join(', ')}, got \`${unknown ?? ''}\`.`,
      'option-value',
    );
  }
  const { opened, load } = await openForAudit(options);
  const selected = load();
  requireSites(selected);
  const swapped = swappedSites(load(), to[0]!, alpha);
  if (folder !== undefined && resolveIf(opened.proto) !== opened.proto) {
    throw new UserError(
      `\`${options.model}\` holds several graphs behind an If, of which an audit sees one: leave -o out, or swap the model with one graph.`,
      'swap-branches',
    );
  }
  const output = folder === undefined ? null : await openVariantFolder(opened, folder);
  const { device } = await pickDevice(options.device ?? 'auto');
  const oneThread = findHazards(selected.model.graph).some(({ singleThread }) => singleThread);
  const session = { device, threads: oneThread ? 1 : (options.threads ?? 0) };
  const data = await openAuditData(options, selected, signal);

  const edited = (activation: WrittenActivation | null) => (fresh: SelectedModel) => {
    if (activation) swapActivations(fresh.model, fresh.sites, activation, alpha);
    fresh.sites = fresh.sites.filter(({ site }) => site === 'mlp_post');
  };
  const variants: SwapVariant[] = [];
  let first: AuditReport | null = null;
  let own: Quality | NoQuality | null = null;
  for (const activation of [null, ...new Set(to)]) {
    options.onStage?.(activation === null ? 'The model as it is.' : `With ${activation}.`);
    const edit = edited(activation);
    const report = await audit(
      { ...options, hash: first === null && options.hash !== false, checkOutputs: false },
      { edit },
    );
    if (signal.aborted || !report.data.complete)
      throw new Interrupted('Interrupted; the comparison is not complete.');
    first ??= report;
    const loadVariant = () => {
      const fresh = load();
      edit(fresh);
      return fresh;
    };
    const asked: { task?: Quality['task'] } = own && !('reason' in own) ? { task: own.task } : {};
    const measuring = { session, signal, onProgress: options.onProgress, ...asked };
    const quality: Quality | NoQuality =
      own && 'reason' in own ? own : await measureQuality(loadVariant, data, measuring);
    const reference: Quality | NoQuality = own ?? quality;
    own = reference;
    const written = output && activation ? await output.write(loadVariant().model, activation) : null;
    variants.push(variantOf(activation, report, reference, quality, written));
  }
  const chart = swapChart(variants, `Dead neurons by activation function: ${first!.model.name}`);
  if (output) await output.writeText('swap.svg', chart);
  const { model, runtime, criterion } = first!;
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'swap',
    tool,
    createdAt: new Date().toISOString(),
    warnings: [...first!.warnings.filter(({ site }) => site === undefined), ...quantizedWarning(selected)],
    model,
    data: first!.data,
    runtime,
    criterion,
    options: { alpha: alpha ?? null, swapped },
    variants,
    chart,
  };
}

/** Ids of the mlp_post sites that a swap changes. @throws UserError when there is none. */
function swappedSites(
  { model, sites, name }: SelectedModel,
  to: WrittenActivation,
  alpha?: number,
): string[] {
  const { sites: ids } = swapActivations(model, sites, to, alpha);
  if (ids.length > 0) return ids.map((id) => id.replace(/mlp_pre/, 'mlp_post'));
  throw new UserError(
    `No MLP with a known activation function was found in the selected layers of \`${name}\`; \`audit inspect ${name} --explain\` says why.`,
    'no-sites',
  );
}

function variantOf(
  activation: WrittenActivation | null,
  { sites, summary }: AuditReport,
  own: Quality | NoQuality,
  quality: Quality | NoQuality,
  output: string | null,
): SwapVariant {
  const worse = 'reason' in own || 'reason' in quality ? null : qualityLoss(own, quality);
  return {
    activation,
    sites: sites.map(
      ({ id, stack, layer, site, part, activation: named, neurons, dead, deadRatio, flags }) => ({
        id,
        stack,
        layer,
        site,
        part,
        activation: named,
        neurons,
        dead,
        deadRatio,
        silent: flags.silent,
        neverPositive: flags.neverPositive,
        constant: flags.constant,
      }),
    ),
    deadRatio: summary.deadRatio,
    quality,
    worse: worse !== null && Number.isFinite(worse) ? worse : null,
    output,
  };
}

/** Ranges of quantized activations were chosen for the function that was there. */
function quantizedWarning({ model }: SelectedModel): Warning[] {
  const fixed = [...allNodes(model.graph)].some(
    ({ opType }) => opType === 'QuantizeLinear' || /^QLinear/.test(opType),
  );
  if (!fixed) return [];
  const message =
    'The model quantizes activations in ranges that were chosen for its own activation function: others are cut off there.';
  return [{ code: 'quantized-ranges', message }];
}
