import { Interrupted, UserError } from '../../errors.js';
import type { Value } from '../../graph/graph.js';
import { resolveIf } from '../../graph/resolve-if.js';
import { openAuditData } from '../../measure/audit-data.js';
import { openAuditedFile, type WatchedTensor } from '../../measure/audited-model.js';
import { countParameters, hashFiles } from '../../measure/describe-model.js';
import { measureWhole } from '../../measure/measure.js';
import { tensorShapes } from '../../measure/shapes.js';
import { edited, openSubject, type Subject } from '../../measure/subject.js';
import type { Site } from '../../sites/types.js';
import { checkDestination } from '../destination.js';
import { addLineage } from '../lineage.js';
import { type Check, checkSmaller } from './check.js';
import { type Choice, chooseNeurons } from './choose.js';
import { requireConsent } from './consent.js';
import { removeNeurons } from './edit/remove-neurons.js';
import { type Evidence, evidenceOf } from './evidence.js';
import { checkPruneOptions, commandOf, type PruneOptions } from './options.js';
import { openProver } from './proof/prover.js';
import { readTensors } from './read-tensors.js';
import { shapesFrom } from './removal/removal.js';
import { type Measurements, pruneReport } from './result.js';
import type { PruneReport } from './schema.js';
import { type Unpublished, writeIdentical, writeUnpublished } from './write.js';

/**
 * Removes dead neurons and writes a smaller model: measures → chooses neurons → plans which tensors lose
 * which indices → edits the graph → checks the outputs → writes. Without `dead` only neurons that had one
 * value at every position are removed, and the outputs on the data stay as they were.
 *
 * @throws UserError for bad input, and where neurons that are not proven to be dead may be removed only with
 *   `yes`, `verify` or `only`; RunError when a run fails or the outputs moved; Interrupted when aborted.
 *   Nothing is written then.
 */
export async function prune(options: PruneOptions): Promise<PruneReport> {
  checkPruneOptions(options);
  const { align = 1, only, output } = options;
  const file = await openAuditedFile(options);
  await checkDestination(file.opened, { output });
  if (resolveIf(file.opened.proto) !== file.opened.proto) throw severalGraphs(options.model);
  const subject = await openSubject(options, file);
  const second = options.verify === undefined ? null : await withData(subject, options.verify);
  const isExact = options.dead === undefined;
  const target = subject.copy();
  const sites = target.sites.filter(({ site }) => site === 'mlp_post');
  if (sites.length === 0) throw noSites();
  const shapeOf = shapesFrom(await tensorShapes(subject, await subject.data.rangeBatch()));
  const tensors = readTensors(sites, shapeOf);
  const measured = async (on: Subject) => measureWhole(watching(await observed(on, isExact), tensors));
  const measurements = { first: await measured(subject), second: second && (await measured(second)) };
  const choices = chooseAll(sites, {
    shapeOf,
    evidenceAt: evidenceIn(measurements, sites, tensors),
    prover: openProver(shapeOf),
    onlyProven: only === 'proven',
    criterion: isExact ? null : subject.criterion,
    align,
  });
  requireConsent(choices, options);
  const report = pruneReport(subject, measurements, choices, { exact: isExact, align, only: only ?? null });
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
    const check = await checkWritten(subject, second, written, isExact);
    if (subject.signal.aborted) throw new Interrupted('Interrupted; nothing was written.');
    await written.publish();
    return report({ output, files: written.files, parameters: countParameters(graph), check });
  } finally {
    await written.discard();
  }
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

/** Returns the subject with another data set. @throws UserError as the first data set does. */
async function withData(subject: Subject, data: string): Promise<Subject> {
  const options = { ...subject.options, data };
  return { ...subject, options, data: await openAuditData(options, subject.original, subject.signal) };
}

/**
 * Returns the subject with the data that decides. In a graph that is all nodes, not only those of a split: a
 * node outside the split feeds its neighbours inside it, so a neuron may be removed only if it is constant at
 * every node.
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
  { first, second }: Measurements,
  sites: readonly Site[],
  tensors: readonly WatchedTensor[],
): (value: Value) => Evidence {
  const all = new Map<Value, Evidence>();
  for (const [i, { value }] of sites.entries()) {
    all.set(value, evidenceOf(first.counters[i]!, second?.counters[i] ?? null));
  }
  for (const [i, { value }] of tensors.entries()) {
    all.set(value, evidenceOf(first.watched[i]!, second?.watched[i] ?? null));
  }
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
  second: Subject | null,
  { path }: Unpublished,
  isExact: boolean,
): Promise<Check> {
  const { plugin } = subject.options;
  const smaller = await openAuditedFile({ model: path, ...(plugin && { plugin }) });
  return checkSmaller(subject, { ...subject, ...smaller }, { second: second?.data ?? null, isExact });
}
