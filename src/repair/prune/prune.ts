import type { DataSet } from '../../data/types.js';
import { Interrupted, SettingError, UserError } from '../../errors.js';
import type { Value } from '../../graph/graph.js';
import { resolveIf } from '../../graph/resolve-if.js';
import { openAuditData } from '../../measure/audit-data.js';
import { openAuditedFile, type WatchedTensor } from '../../measure/audited-model.js';
import { countParameters, hashFiles } from '../../measure/describe-model.js';
import { measureWhole } from '../../measure/measure.js';
import type { Measurement } from '../../measure/measurement.js';
import { tensorShapes } from '../../measure/shapes.js';
import { edited, openSubject, type Subject } from '../../measure/subject.js';
import type { AuditOptions } from '../../settings/options.js';
import type { Site } from '../../sites/types.js';
import { checkDestination } from '../destination.js';
import { addLineage } from '../lineage.js';
import { type Check, checkSmaller } from './check.js';
import { type Choice, chooseNeurons } from './choose.js';
import { removeNeurons } from './edit/remove-neurons.js';
import { type Evidence, evidenceOf } from './evidence.js';
import { readTensors } from './read-tensors.js';
import { shapesFrom } from './removal/removal.js';
import { pruneReport } from './result.js';
import type { PruneReport } from './schema.js';
import { type Unpublished, writeIdentical, writeUnpublished } from './write.js';

export interface PruneOptions extends AuditOptions {
  /** Path of the smaller model. */
  output: string;
  /** Widths stay multiples of this; default 1. */
  align?: number;
}

/** Largest `align`: hardware works in tiles of 8 to 256 neurons, and a wider multiple keeps every layer as it is. */
export const MOST_ALIGN = 4096;

/**
 * Removes dead neurons and writes a smaller model: measures → chooses neurons → plans which tensors lose which indices →
 * edits the graph → checks the outputs → writes. Without `dead` only neurons that had one value at every position are
 * removed, and the outputs on the data stay as they were.
 *
 * @throws UserError for bad input; RunError when a run fails or the outputs moved; Interrupted when aborted. Nothing is
 *   written then.
 */
export async function prune(options: PruneOptions): Promise<PruneReport> {
  const { align = 1, output } = options;
  checkAlign(align);
  const file = await openAuditedFile(options);
  await checkDestination(file.opened, { output });
  if (resolveIf(file.opened.proto) !== file.opened.proto) throw severalGraphs(options.model);
  const subject = await openSubject(options, file);
  const isExact = options.dead === undefined;
  const target = subject.copy();
  const sites = target.sites.filter(({ site }) => site === 'mlp_post');
  if (sites.length === 0) throw noSites();
  const shapeOf = shapesFrom(await tensorShapes(subject, await subject.data.rangeBatch()));
  const tensors = readTensors(sites, shapeOf);
  const measurement = await measureWhole(watching(await observed(subject, isExact), tensors));
  const choices = chooseAll(sites, {
    shapeOf,
    evidenceAt: evidenceIn(measurement, sites, tensors),
    criterion: isExact ? null : subject.criterion,
    align,
  });
  const report = pruneReport(subject, measurement, choices, { exact: isExact, align });
  const plans = choices.flatMap(({ plan }) => plan ?? []);
  const { graph } = target.model;
  if (plans.length === 0) {
    const files = await writeIdentical(file.opened, output);
    return report({ output, files, parameters: countParameters(graph), check: null });
  }
  const additions = choices.flatMap((choice) => choice.additions);
  const deferred = removeNeurons(graph, plans, additions, shapeOf);
  const [parent] = await hashFiles(file.opened.files.slice(0, 1), subject.signal);
  if (parent) addLineage(target.model, { parent, command: commandOf(options) });
  const written = await writeUnpublished(target.model, deferred, output);
  try {
    options.onStage?.('The smaller model is written; its outputs are compared with the original.');
    const check = await checkWritten(subject, written, subject.data, isExact);
    if (subject.signal.aborted) throw new Interrupted('Interrupted; nothing was written.');
    await written.publish();
    return report({ output, files: written.files, parameters: countParameters(graph), check });
  } finally {
    await written.discard();
  }
}

/** Returns the command for the lineage of the smaller model: what decides which neurons it has lost. */
function commandOf({ align = 1, dead, deadBelow }: PruneOptions): string {
  const parts = [
    'audit prune',
    align === 1 ? '' : `--align ${align}`,
    dead === undefined ? '' : `--dead ${dead}`,
    deadBelow === undefined ? '' : `--dead-below ${deadBelow}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function checkAlign(align: number): void {
  if (Number.isInteger(align) && align >= 1 && align <= MOST_ALIGN) return;
  throw new SettingError('align', `a whole number from 1 to ${MOST_ALIGN}`, align);
}

function severalGraphs(model: string): UserError {
  return new UserError(
    `\`${model}\` holds several graphs under an If, of which an audit sees one: prune the models with one graph ` +
      '(decoder_model.onnx, decoder_with_past_model.onnx).',
    'prune-branches',
  );
}

function noSites(): UserError {
  return new UserError(
    'Expected at least one mlp_post site to prune, found none among the selected sites; `audit inspect` lists them.',
    'no-sites',
  );
}

/**
 * Returns the subject with the data that decides. In a graph that is all nodes, not only those of a split: a node outside
 * the split feeds its neighbours inside it, so a neuron may be removed only if it is constant at every node.
 */
async function observed(subject: Subject, isExact: boolean): Promise<Subject> {
  if (!isExact || !subject.data.graph) return subject;
  const { split: _, ...options } = subject.options;
  return { ...subject, options, data: await openAuditData(options, subject.original, subject.signal) };
}

/** Returns the subject with the mlp_post sites and some more tensors measured. */
function watching(subject: Subject, tensors: readonly WatchedTensor[]): Subject {
  return edited(subject, (copy) => {
    const values = new Map<string, Value>();
    for (const { outputs } of copy.model.graph.nodes) {
      for (const value of outputs) if (value) values.set(value.name, value);
    }
    copy.sites = copy.sites.filter(({ site }) => site === 'mlp_post');
    copy.watched = tensors.map(({ value, axis }) => ({ value: values.get(value.name)!, axis }));
  });
}

/** Returns a look-up of the evidence of sites and watched tensors. */
function evidenceIn(
  { counters, watched }: Measurement,
  sites: readonly Site[],
  tensors: readonly WatchedTensor[],
): (value: Value) => Evidence {
  const all = new Map<Value, Evidence>();
  for (const [i, { value }] of sites.entries()) all.set(value, evidenceOf(counters[i]!));
  for (const [i, { value }] of tensors.entries()) all.set(value, evidenceOf(watched[i]!));
  return (value) => {
    const evidence = all.get(value);
    if (!evidence) throw new Error(`${value.name} was not watched`);
    return evidence;
  };
}

/** Chooses site by site: the removal at one site may take neurons of another. */
function chooseAll(
  sites: readonly Site[],
  options: Omit<Parameters<typeof chooseNeurons>[1], 'taken'>,
): Choice[] {
  const choices: Choice[] = [];
  for (const site of sites) {
    const taken = choices.flatMap(({ plan }) => [...(plan?.computed.get(site.value)?.removed.keys() ?? [])]);
    choices.push(chooseNeurons(site, { ...options, taken: new Set(taken) }));
  }
  return choices;
}

/** Opens the written model and compares it with the original. */
async function checkWritten(
  subject: Subject,
  { path }: Unpublished,
  data: DataSet,
  isExact: boolean,
): Promise<Check> {
  const { plugin } = subject.options;
  const smaller = await openAuditedFile({ model: path, ...(plugin && { plugin }) });
  return checkSmaller(subject, { ...subject, ...smaller }, data, isExact);
}
