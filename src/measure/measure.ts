import type { Batch } from '../data/types.js';
import { Interrupted, UserError } from '../errors.js';
import { shardOf } from '../settings/audit-settings.js';
import type { Site } from '../sites/types.js';
import { accumulate, emptyCounters } from '../stats/counters.js';
import { deadNeurons } from '../stats/criteria.js';
import type { Counters, Criterion } from '../stats/types.js';
import type { Measurement } from './measurement.js';
import { openProbeRun, type ProbeRun } from './probe-run.js';
import { loadState, type RunIdentity, type RunState, saveState } from './resume.js';
import { layerSmoothing } from './smoothing.js';
import type { Subject } from './subject-types.js';

/** Seconds between two saves of the state of a run with `resume`. */
const SAVE_INTERVAL_SECONDS = 5;

export interface MeasureOptions {
  /** Number of edges from which on they are streamed; default: see `probe-run.ts`. */
  streamFrom?: number | undefined;
}

/**
 * Runs the data through the probes of the subject's model.
 *
 * An aborted signal ends the run early: the measurement then holds what was gathered and says `data.complete:
 * false`.
 *
 * @throws UserError for data without a position and a saved state of another run; RunError when the run
 *   fails; Interrupted when aborted before anything was counted.
 */
export async function measure(subject: Subject, { streamFrom }: MeasureOptions = {}): Promise<Measurement> {
  const started = performance.now();
  const { data, criterion, session, signal, options } = subject;
  const run = await openProbeRun(subject.copy, {
    criterion,
    masked: data.masked,
    session,
    signal,
    graph: data.graph,
    streamFrom,
  });
  try {
    const sites = run.overlay.probes.sites.map(({ site }) => site);
    const { state, positionsRun, seconds, complete } = await gather(run, subject, sites);
    return {
      criterion,
      sites,
      counters: state.counters.slice(0, sites.length),
      watched: state.counters.slice(sites.length),
      ...(state.smoothing && { smoothing: state.smoothing }),
      data: {
        ...data.description,
        positions: state.positions,
        sequences: state.sequences,
        shard: options.shard === undefined ? null : shardOf(options.shard),
        complete,
      },
      census: data.census && complete,
      run: {
        device: session.device,
        provider: run.session.provider,
        onnxruntime: run.session.onnxruntime,
        seconds: (performance.now() - started) / 1000,
        positionsPerSecond: seconds > 0 ? positionsRun / seconds : null,
        peakRssBytes: run.session.peakRssBytes() || null,
      },
      // The data's own may have grown while batches were read.
      warnings: [...subject.warnings, ...data.warnings],
    };
  } finally {
    await run.dispose();
  }
}

/**
 * Measures to the end.
 *
 * @throws Interrupted when the run was stopped early: a repair does not choose by half of the data.
 */
export async function measureWhole(subject: Subject): Promise<Measurement> {
  const measurement = await measure(subject);
  if (subject.signal.aborted || !measurement.data.complete)
    throw new Interrupted('Interrupted; nothing was written.');
  return measurement;
}

interface Gathered {
  state: RunState;
  /** Positions and seconds of this run alone, for its speed. */
  positionsRun: number;
  seconds: number;
  complete: boolean;
}

/** Runs all batches, or as many as an interruption or `untilStable` leaves. */
async function gather(run: ProbeRun, subject: Subject, sites: readonly Site[]): Promise<Gathered> {
  const { data, criterion, signal, options } = subject;
  const identity = identityOf(subject, sites);
  const saved = options.resume ? await loadState(options.resume, identity) : null;
  let state = saved;
  const begun = performance.now();
  let positionsRun = 0;
  let lastSave = begun;
  const isStable = stability(criterion, options.untilStable ?? 0);
  try {
    const ranges = saved?.ranges ?? (await run.findRange(await data.rangeBatch()));
    state ??= { lastBlock: -1, sequences: 0, positions: 0, ranges, counters: [] };
    for await (const batch of data.batches(state.lastBlock)) {
      if (signal.aborted) break;
      state = advance(state, await run.run(batch, ranges), batch);
      if (data.graph) state.smoothing = layerSmoothing(run.smoothing);
      positionsRun += batch.positions;
      const elapsedSeconds = (performance.now() - begun) / 1000;
      options.onProgress?.({ positions: state.positions, total: data.positions, elapsedSeconds });
      if (options.resume && performance.now() - lastSave > SAVE_INTERVAL_SECONDS * 1000) {
        await saveState(options.resume, identity, state);
        lastSave = performance.now();
      }
      if (isStable(state.counters.slice(0, sites.length))) break;
    }
  } catch (error) {
    if (!(error instanceof Interrupted || signal.aborted)) throw error;
  }
  if (!state || state.counters.length === 0) {
    if (signal.aborted) throw new Interrupted('Interrupted before the first batch was counted.');
    throw new UserError(
      'The data holds no position to audit: it is empty, or the shard has no block (a graph goes to the first shard whole).',
      'data-empty',
    );
  }
  if (options.resume) await saveState(options.resume, identity, state);
  const seconds = (performance.now() - begun) / 1000;
  return { state, positionsRun, seconds, complete: !signal.aborted };
}

function identityOf({ opened, criterion, data, options }: Subject, sites: readonly Site[]): RunIdentity {
  return {
    graphSha256: opened.skeletonSha256,
    criterion,
    data: data.description,
    tokens: options.tokens ?? null,
    shard: options.shard === undefined ? null : shardOf(options.shard),
    sites: sites.map(({ id }) => id),
  };
}

/** Returns the state after one more batch. The counters of the state are added to in place. */
function advance(
  state: RunState,
  batchCounters: Counters[],
  { blocks, sequences, positions }: Batch,
): RunState {
  const counters =
    state.counters.length > 0
      ? state.counters
      : batchCounters.map((site, i) => emptyCounters(site.fired.length, { histogram: state.ranges[i]! }));
  for (const [i, site] of batchCounters.entries()) accumulate(counters[i]!, site);
  return {
    ...state,
    lastBlock: blocks.at(-1)!,
    sequences: state.sequences + sequences,
    positions: state.positions + positions,
    counters,
  };
}

/**
 * Returns a function that says after each batch if the dead set of every site has been the same for `batches`
 * batches.
 */
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
