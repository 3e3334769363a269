import type { Batch, DataSet } from '../data/types.js';
import { Interrupted, UserError } from '../errors.js';
import { tool } from '../files/package.js';
import { openAuditData } from '../measure/audit-data.js';
import { checkOutputs } from '../measure/check-outputs.js';
import { describeModel, hashFiles, modelName } from '../measure/describe-model.js';
import { openForAudit, requireSites, type SelectedModel } from '../measure/load.js';
import { openProbeRun, type ProbeRun } from '../measure/probe-run.js';
import { loadState, type RunState, saveState } from '../measure/resume.js';
import { graphReport } from '../measure/smoothing.js';
import { findHazards } from '../patterns/hazards.js';
import { finishReport, type ReportParts, siteMeta, siteReport } from '../report/build.js';
import type { AuditReport, Warning } from '../report/schema.js';
import { pickDevice } from '../runtime/devices.js';
import { shardOf } from '../settings/audit-settings.js';
import { type AuditOptions, criterionSettings } from '../settings/options.js';
import { findSites } from '../sites/find.js';
import { rectifierNetwork } from '../sites/rectifier.js';
import { accumulate, emptyCounters } from '../stats/counters.js';
import { completeCriterion, deadNeurons } from '../stats/criteria.js';
import type { Counters, Criterion } from '../stats/types.js';

/** Seconds between two saves of the state of a run with `resume`. */
const SAVE_INTERVAL_SECONDS = 5;

/** For what repairs do, not for users of the library. */
export interface Internals {
  /** Changes every fresh copy of the graph: to audit a variant of a model as if it were a file. */
  edit?: (selected: SelectedModel) => void;
  /** From how many edges on they are streamed: to measure what it is good for. */
  streamFrom?: number | undefined;
}

/**
 * The main job: runs the data through the model's probes and reports the health of every neuron.
 *
 * An aborted `signal` ends the run early: the report then holds what was gathered and says `data.complete: false`.
 *
 * @throws UserError for bad input; RunError when the run fails; Interrupted when aborted before anything was counted.
 */
export async function audit(
  options: AuditOptions,
  { edit, streamFrom }: Internals = {},
): Promise<AuditReport> {
  const started = performance.now();
  const signal = options.signal ?? new AbortController().signal;
  const criterion = completeCriterion(criterionSettings(options));
  const { opened, load: loadOriginal } = await openForAudit(options);
  const load = (): SelectedModel => {
    const selected = loadOriginal();
    if (!edit) return selected;
    edit(selected);
    const { graph } = selected.model;
    return { ...selected, rectifier: rectifierNetwork(graph, findSites(graph)) };
  };
  const selected = load();
  requireSites(selected);
  const warnings: Warning[] = [];
  const hazards = findHazards(selected.model.graph);
  warnings.push(...hazards.map(({ code, message }) => ({ code, message })));
  const data = await openAuditData(options, selected, signal);
  const picked = await pickDevice(options.device ?? 'auto');
  warnings.push(...picked.notes.map((message) => ({ code: 'device', message })));
  const threads = hazards.some(({ singleThread }) => singleThread) ? 1 : (options.threads ?? 0);
  const session = { device: picked.device, threads };

  const stopHashing = new AbortController();
  const hashes =
    options.hash === false ? null : hashFiles(opened.files, AbortSignal.any([signal, stopHashing.signal]));
  hashes?.catch(() => {});
  const probing = { criterion, masked: data.masked, session, signal };
  const run = await openProbeRun(load, { ...probing, graph: data.graph, streamFrom });
  try {
    const gathered = await gather(run, data, {
      ...options,
      criterion,
      signal,
      started,
      graphSha256: opened.skeletonSha256,
    });
    if (options.checkOutputs && gathered.complete) {
      const checked = await checkOutputs(load, await data.rangeBatch(), probing).catch(unlessInterrupted);
      if (checked) warnings.push(checked);
    }
    const model = describeModel(
      opened,
      selected.model,
      options.name ?? modelName(opened.path),
      selected.architecture,
    );
    const sha256 = (await hashes) ?? [];
    model.files = model.files.map((file, i) => ({ ...file, sha256: sha256[i] ?? null }));
    const durationSeconds = (performance.now() - started) / 1000;
    const { state } = gathered;
    return finishReport({
      tool,
      model,
      // More of them may have come up while batches were read.
      warnings: [...warnings, ...data.warnings],
      criterion,
      census: data.census && gathered.complete,
      data: {
        ...data.description,
        positions: state.positions,
        sequences: state.sequences,
        shard: options.shard === undefined ? null : shardOf(options.shard),
        complete: gathered.complete,
      },
      runtime: {
        device: picked.device,
        provider: run.session.provider,
        onnxruntime: run.session.onnxruntime,
        durationSeconds,
        positionsPerSecond: gathered.seconds > 0 ? gathered.positionsRun / gathered.seconds : null,
        peakRssBytes: run.session.peakRssBytes() || null,
      },
      sites: selected.sites.map((site, i) => siteReport(siteMeta(site), state.counters[i]!, criterion)),
      ...(state.graph && { graph: state.graph }),
      aliveShares: aliveShares(selected.sites, state.counters),
    });
  } finally {
    stopHashing.abort();
    await run.dispose();
  }
}

/** By layer, where the sites know how many data points are alive: in a rectifier network. */
function aliveShares(
  sites: SelectedModel['sites'],
  counters: Counters[],
): NonNullable<ReportParts['aliveShares']> {
  return sites.flatMap(({ stack, layer }, i) => {
    const life = counters[i]!.livingPoints;
    return life && life.points > 0 ? [{ stack, layer, aliveShare: life.alive / life.points }] : [];
  });
}

/** What was gathered is worth more than the check that was interrupted. */
function unlessInterrupted(error: unknown): null {
  if (error instanceof Interrupted) return null;
  throw error;
}

interface Gathering extends AuditOptions {
  criterion: Criterion;
  signal: AbortSignal;
  started: number;
  graphSha256: string;
}

interface Gathered {
  state: RunState;
  /** Positions and seconds of this run alone, for its speed. */
  positionsRun: number;
  seconds: number;
  complete: boolean;
}

/** Runs all batches, or as many as an interruption or `untilStable` leaves. */
async function gather(run: ProbeRun, data: DataSet, options: Gathering): Promise<Gathered> {
  const identity = {
    graphSha256: options.graphSha256,
    criterion: options.criterion,
    data: data.description,
    tokens: options.tokens ?? null,
    shard: options.shard === undefined ? null : shardOf(options.shard),
    sites: run.overlay.probes.sites.map(({ site }) => site.id),
  };
  const saved = options.resume ? await loadState(options.resume, identity) : null;
  let state = saved;
  const begun = performance.now();
  let positionsRun = 0;
  let lastSave = begun;
  const stable = stability(options.criterion, options.untilStable ?? 0);
  let complete = true;
  try {
    const ranges = saved?.ranges ?? (await run.findRange(await data.rangeBatch()));
    state ??= { lastBlock: -1, sequences: 0, positions: 0, ranges, counters: [] };
    for await (const batch of data.batches(state.lastBlock)) {
      if (options.signal.aborted) break;
      const counters = await run.run(batch, ranges);
      state = advance(state, counters, batch);
      if (data.graph) state.graph = graphReport(run.smoothing);
      positionsRun += batch.positions;
      const elapsedSeconds = (performance.now() - begun) / 1000;
      options.onProgress?.({ positions: state.positions, total: data.positions, elapsedSeconds });
      if (options.resume && performance.now() - lastSave > SAVE_INTERVAL_SECONDS * 1000) {
        await saveState(options.resume, identity, state);
        lastSave = performance.now();
      }
      if (stable(state.counters)) break;
    }
  } catch (error) {
    if (!(error instanceof Interrupted || options.signal.aborted)) throw error;
  }
  if (options.signal.aborted) complete = false;
  if (!state || state.counters.length === 0) {
    if (!complete) throw new Interrupted('Interrupted before the first batch was counted.');
    throw new UserError(
      'The data holds no position to audit: it is empty, or the shard has no block (a graph goes to the first shard whole).',
      'data-empty',
    );
  }
  if (options.resume) await saveState(options.resume, identity, state);
  return { state, positionsRun, seconds: (performance.now() - begun) / 1000, complete };
}

/** The state after one more batch; the counters of the state are added to in place. */
function advance(state: RunState, found: Counters[], { blocks, sequences, positions }: Batch): RunState {
  const counters =
    state.counters.length > 0
      ? state.counters
      : found.map((site, i) => emptyCounters(site.fired.length, { histogram: state.ranges[i]! }));
  for (const [i, site] of found.entries()) accumulate(counters[i]!, site);
  return {
    ...state,
    lastBlock: blocks.at(-1)!,
    sequences: state.sequences + sequences,
    positions: state.positions + positions,
    counters,
  };
}

/** Says after each batch whether the dead set of every site has been the same for `batches` batches. */
function stability(criterion: Criterion, batches: number): (counters: Counters[]) => boolean {
  let before = '';
  let unchanged = 0;
  return (counters) => {
    if (batches <= 0) return false;
    const now = JSON.stringify(counters.map((site) => deadNeurons(site, criterion)));
    unchanged = now === before ? unchanged + 1 : 0;
    before = now;
    return unchanged >= batches;
  };
}
