import { audit } from '../../app/audit.js';
import type { DataSet } from '../../data/types.js';
import { Interrupted, RunError, UserError } from '../../errors.js';
import type { Value } from '../../graph/graph.js';
import { resolveIf } from '../../graph/resolve-if.js';
import { openAuditData } from '../../measure/audit-data.js';
import { countParameters } from '../../measure/describe-model.js';
import {
  measureQuality,
  measureShapes,
  openForAudit,
  requireSites,
  type SelectedModel,
} from '../../measure/load.js';
import { findHazards } from '../../patterns/hazards.js';
import { siteCounters } from '../../report/recompute.js';
import type { AuditReport } from '../../report/schema.js';
import { pickDevice } from '../../runtime/devices.js';
import { type AuditOptions, criterionSettings } from '../../settings/options.js';
import type { Site } from '../../sites/types.js';
import { completeCriterion } from '../../stats/criteria.js';
import { checkDestination } from '../destination.js';
import { compareOutputs, forwardSeconds, toleranceOf } from './check.js';
import { type Choice, chooseNeurons, type Watched, watchedBehind } from './choose.js';
import { type DimsOf, dimsFrom } from './cut.js';
import { type Unpublished, writeIdentical, writeUnpublished } from './output.js';
import { planRemoval } from './plan.js';
import { pruneNeurons } from './prune-neurons.js';
import { pruneReport } from './result.js';
import type { PruneReport } from './schema.js';

export interface PruneOptions extends AuditOptions {
  output: string;
  /** Widths stay multiples of this; default 1. */
  align?: number;
}

/**
 * Removes dead neurons and writes a smaller model. Without `dead` only neurons that had one value at every
 * position go, which leaves the outputs on the data as they were: it is checked before the file gets its name.
 *
 * @throws UserError for bad input; RunError when a run fails or the outputs moved; Interrupted when aborted. Nothing is
 *   written then.
 */
export async function prune(options: PruneOptions): Promise<PruneReport> {
  const signal = options.signal ?? new AbortController().signal;
  const { align = 1, output } = options;
  if (!(Number.isInteger(align) && align > 0)) {
    throw new UserError(`Expected --align to be a whole number above 0, got \`${align}\`.`, 'option-value');
  }
  const { opened, load } = await openForAudit(options);
  await checkDestination(opened, { output });
  if (resolveIf(opened.proto) !== opened.proto) {
    throw new UserError(
      `\`${options.model}\` holds several graphs behind an If, of which an audit sees one: prune the model with one graph (decoder_model.onnx, decoder_with_past_model.onnx).`,
      'prune-branches',
    );
  }
  const selected = load();
  requireSites(selected);
  const sites = selected.sites.filter(({ site }) => site === 'mlp_post');
  if (sites.length === 0) {
    throw new UserError(
      'Expected at least one mlp_post site to prune, found none among the selected sites; `audit inspect` lists them.',
      'no-sites',
    );
  }
  const { device } = await pickDevice(options.device ?? 'auto');
  const oneThread = findHazards(selected.model.graph).some(({ singleThread }) => singleThread);
  const where = { session: { device, threads: oneThread ? 1 : (options.threads ?? 0) }, signal };
  const data = await openAuditData(options, selected, signal);
  const shapes = await measureShapes(load(), await data.rangeBatch(), where.session, signal);
  const dimsOf = dimsFrom(shapes);
  const watched = watchedValues(sites, dimsOf);
  const exact = options.dead === undefined;
  // In a graph other nodes feed those of a split: outputs stay as they are where a neuron is constant at all of them.
  const { split: _, ...whole } = options;
  const observed = exact && data.graph ? whole : options;
  const before = await auditWatched(observed, sites, watched, signal);

  const wider = exact ? null : completeCriterion(criterionSettings(options));
  const countersOf = countersIn(before, sites, watched);
  const choices: Choice[] = [];
  for (const site of sites) {
    const taken = takenAt(site, choices);
    choices.push(chooseNeurons(site, countersOf, { dimsOf, align, wider, taken }));
  }
  const report = pruneReport(before, choices, { exact, align });
  const chosen = choices.filter(({ plan }) => plan !== null);
  if (chosen.length === 0) {
    const files = await writeIdentical(opened, output);
    return report({ output, files, parameters: countParameters(selected.model.graph), checked: null });
  }
  const { graph } = selected.model;
  const plans = chosen.map(({ plan }) => plan!);
  const { deferred } = pruneNeurons(
    graph,
    plans,
    chosen.flatMap(({ folded }) => folded),
    dimsOf,
  );
  const written = await writeUnpublished(selected.model, deferred, output);
  try {
    options.onStage?.('The smaller model is written; its outputs are compared with the original.');
    const checked = await check(load, written, options, data, { ...where, exact });
    if (signal.aborted) throw new Interrupted('Interrupted; nothing was written.');
    await written.publish();
    return report({ output, files: written.files, parameters: countParameters(graph), checked });
  } finally {
    await written.discard();
  }
}

/** Neurons of a site that removals at other sites take with them. */
function takenAt({ value }: Site, choices: readonly Choice[]): Set<number> {
  return new Set(choices.flatMap(({ plan }) => [...(plan?.cuts.get(value)?.removed.keys() ?? [])]));
}

/** Tensors to watch besides the sites, by name: layers may read something else than what the site has. */
function watchedValues(sites: readonly Site[], dimsOf: DimsOf): Map<string, Watched> {
  const all = new Map<string, Watched>();
  for (const site of sites) {
    const plan = planRemoval(site, [0], dimsOf);
    if ('reason' in plan) continue;
    for (const watched of watchedBehind(plan)) {
      if (!sites.some(({ value }) => value === watched.value)) all.set(watched.value.name, watched);
    }
  }
  return all;
}

/** Site ids of watched tensors: no site is called like this. */
const watchedId = (name: string): string => `read: ${name}`;

async function auditWatched(
  options: AuditOptions,
  sites: readonly Site[],
  watched: ReadonlyMap<string, Watched>,
  signal: AbortSignal,
): Promise<AuditReport> {
  const edit = (fresh: SelectedModel) => {
    const values = new Map<string, Value>();
    for (const node of fresh.model.graph.nodes) {
      for (const value of node.outputs) if (value) values.set(value.name, value);
    }
    const base = fresh.sites[0]!;
    for (const [name, { axis }] of watched) {
      const site: Site = { ...base, id: watchedId(name), site: 'mlp_pre', value: values.get(name)!, axis };
      fresh.sites.push({ ...site, plus: null, activation: null, weights: [], neurons: null });
    }
  };
  const only = { sites: sites.map(({ id }) => id), hash: false, checkOutputs: false };
  const report = await audit({ ...options, ...only }, { edit });
  if (signal.aborted || !report.data.complete) throw new Interrupted('Interrupted; nothing was written.');
  return report;
}

function countersIn(report: AuditReport, sites: readonly Site[], watched: ReadonlyMap<string, Watched>) {
  return (value: Value) => {
    const id = sites.find((site) => site.value === value)?.id ?? watchedId(value.name);
    const found = report.sites.find((site) => site.id === id);
    if (!found) throw new Error(`${value.name} was not watched (${watched.size} tensors were)`);
    return siteCounters(found);
  };
}

/** What pruning did to outputs, speed and quality. @throws RunError when an exact removal moved the outputs. */
async function check(
  load: () => SelectedModel,
  written: Unpublished,
  options: PruneOptions,
  data: DataSet,
  { exact, ...where }: Parameters<typeof compareOutputs>[3] & { exact: boolean },
): Promise<NonNullable<Parameters<ReturnType<typeof pruneReport>>[0]['checked']>> {
  const { plugin } = options;
  const { load: pruned } = await openForAudit({ model: written.path, ...(plugin && { plugin }) });
  const outputs = await compareOutputs(load, pruned, data, where);
  const tolerance = exact ? toleranceOf(load()) : null;
  if (tolerance !== null && !(outputs.relative <= tolerance)) {
    throw new RunError(
      `The outputs of the smaller model differ by ${outputs.largestDifference.toPrecision(2)} from the original's (${outputs.relative.toExponential(1)} of the largest; ${tolerance} is rounding): nothing was written. Please report it; --layers leaves layers out.`,
    );
  }
  const batch = await data.rangeBatch();
  const seconds = await forwardSeconds(load, pruned, batch, where);
  const { onProgress } = options;
  const measuring = { session: where.session, signal: where.signal, onProgress };
  const quality = await measureQuality(load, data, measuring);
  const after =
    'reason' in quality ? quality : await measureQuality(pruned, data, { ...measuring, task: quality.task });
  return { outputs, tolerance, forwardSeconds: { ...seconds, positions: batch.positions }, quality, after };
}
