import { Interrupted, UserError } from '../../errors.js';
import { correspondence, transplant } from '../../graph/correspondence.js';
import type { Model } from '../../graph/model.js';
import { resolveIf } from '../../graph/resolve-if.js';
import { allNodes } from '../../graph/traversal.js';
import { type AuditedFile, openAuditedFile, requireSites } from '../../measure/audited-model.js';
import { describeModel, hashFiles } from '../../measure/describe-model.js';
import { measure } from '../../measure/measure.js';
import { measureQuality, type NoQuality } from '../../measure/quality.js';
import { edited, openSubject, type Subject } from '../../measure/subject.js';
import { type ActivationMatch, findActivations } from '../../patterns/activations.js';
import { reportOf } from '../../report/of-measurement.js';
import type { AuditReport, Warning } from '../../report/schema.js';
import type { AuditOptions } from '../../settings/options.js';
import { checkSettings } from '../../settings/settings.js';
import type { Quality } from '../../stats/quality.js';
import { addLineage } from '../lineage.js';
import { type Activation, readActivations } from './activation.js';
import { swapReport, variantResult } from './result.js';
import type { SwapReport, SwapVariant } from './schema.js';
import { swapSettings } from './settings.js';
import { activationsOf, postOf, requireOpset, swapActivations } from './swap-activation.js';
import { openVariantFolder } from './variant-folder.js';

export interface SwapOptions extends AuditOptions {
  /** Names of activation functions, e.g. `relu`, `swish`, `leaky_relu:0.8`. */
  to: string[];
  /** Parameter of Leaky ReLU and ELU; default 0.01 and 1. */
  alpha?: number;
  /** Folder that the variants and the chart are written to. */
  folder?: string;
}

/**
 * Audits a model with other activation functions in its MLPs, each in an overlay and on the same batches, and
 * compares dead ratios and quality. Nothing is retrained. The model is opened and searched once.
 *
 * @throws UserError for bad input; RunError when a run fails; Interrupted when aborted.
 */
export async function swap(options: SwapOptions): Promise<SwapReport> {
  const { alpha } = checkSettings(swapSettings, options);
  const { folder, to, resume: _, ...own } = options;
  const activations = readActivations(to, alpha);
  const file = await openAuditedFile(own);
  requireSites(file.original);
  const matches = findActivations(file.original.model.graph).matches;
  const swapped = sitesToSwap(file, matches);
  for (const activation of activations) requireOpset(file.original.model, activation);
  if (folder !== undefined) requireOneGraph(file);
  const output = folder === undefined ? null : await openVariantFolder(file.opened, folder);
  const subject = await openSubject(own, file);
  const hashes = options.hash === false ? null : hashFiles(file.opened.files, subject.signal);
  hashes?.catch(() => {});

  const toWrite = async (variant: Subject, { name, alpha: parameter }: Activation): Promise<Model> => {
    const { model: graph } = variant.copy();
    const [parent] = (await hashes) ?? [];
    const command = `audit swap --to ${parameter === null ? name : `${name}:${parameter}`}`;
    if (parent) addLineage(graph, { parent, command });
    return graph;
  };
  const model = describeModel(subject, options.name);
  const reports: AuditReport[] = [];
  const variants: SwapVariant[] = [];
  let ownQuality: Quality | NoQuality | null = null;
  for (const activation of [null, ...activations]) {
    options.onStage?.(activation === null ? 'The model as it is.' : `With ${activation.label}.`);
    const variant = withActivation(subject, matches, activation);
    const measurement = await measure(variant);
    if (subject.signal.aborted || !measurement.data.complete) {
      throw new Interrupted('Interrupted; the comparison is not complete.');
    }
    const report = reportOf(measurement, { model });
    const quality = await qualityLike(ownQuality, variant);
    ownQuality ??= quality;
    const path =
      output && activation ? await output.write(await toWrite(variant, activation), activation.label) : null;
    reports.push(report);
    variants.push(variantResult(activation, report, { own: ownQuality, quality, output: path }));
  }
  const sha256 = (await hashes) ?? [];
  model.files = model.files.map((each, i) => ({ ...each, sha256: sha256[i] ?? null }));
  const result = swapReport({
    first: { ...reports[0]!, model },
    variants,
    warnings: quantizedWarning(subject),
    options: { alpha: alpha ?? null, swapped },
  });
  if (output) await output.writeText('swap.svg', result.chart);
  return result;
}

/** Returns the ids of the mlp_post sites that a swap changes. @throws UserError when there is none. */
function sitesToSwap({ original }: AuditedFile, matches: readonly ActivationMatch[]): string[] {
  const { sites, name } = original;
  const ids = activationsOf(sites, matches).map(({ site }) => postOf(site.id));
  if (ids.length > 0) return ids;
  throw new UserError(
    `No MLP with a known activation function was found in the selected layers of \`${name}\`; \`audit inspect ${name} --explain\` says why.`,
    'no-sites',
  );
}

/**
 * @throws UserError for a file whose graphs stand in an If: an audit sees one of them, and a variant would
 *   lose the others.
 */
function requireOneGraph({ opened }: AuditedFile): void {
  if (resolveIf(opened.proto) === opened.proto) return;
  throw new UserError(
    `\`${opened.path}\` holds several graphs in an If, of which an audit sees one: leave \`output\` out, or swap the model with one graph.`,
    'swap-branches',
    { settings: ['output'] },
  );
}

/**
 * Returns the subject with another activation function in its MLPs; `null`: as it is. Only mlp_post sites are
 * measured.
 */
function withActivation(
  subject: Subject,
  matches: readonly ActivationMatch[],
  activation: Activation | null,
): Subject {
  const { graph } = subject.original.model;
  return edited(subject, (copy) => {
    if (activation) {
      const matchesInCopy = transplant(matches, correspondence(graph, copy.model.graph));
      swapActivations(copy.model, matchesInCopy, copy.sites, activation);
    }
    copy.sites = copy.sites.filter(({ site }) => site === 'mlp_post');
    copy.rectifier = { network: null, reason: 'its activation functions are being compared' };
  });
}

/**
 * Measures the quality of a variant by the task of the model's own quality; `own` is `null` for the model
 * itself.
 */
async function qualityLike(own: Quality | NoQuality | null, variant: Subject): Promise<Quality | NoQuality> {
  if (own && 'reason' in own) return own;
  return measureQuality(variant, own ? { task: own.task } : {});
}

/** Warns of a quantized model: the ranges of its activations were chosen for its own function. */
function quantizedWarning({ original }: Subject): Warning[] {
  const isQuantized = [...allNodes(original.model.graph)].some(
    ({ opType }) => opType === 'QuantizeLinear' || /^QLinear/.test(opType),
  );
  if (!isQuantized) return [];
  const message =
    'The model quantizes activations in ranges that were chosen for its own activation function: the values of others are cut off there.';
  return [{ code: 'quantized-ranges', message }];
}
