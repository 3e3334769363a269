import type { SiteLocation } from './metrics/extract.js';
import type { Result } from './metrics/names.js';
import { modelSamples, type Sample } from './metrics/samples.js';
import type { Failures } from './state/failures.js';
import type { Store } from './state/store.js';

/** The Prometheus series of all models in the folder. */
export interface ModelSeries {
  /** Sets which models have series from now on; the others lose theirs. */
  setModels(models: ReadonlySet<string>): void;
  auditEnded(model: string, result: Result): void;
  /** Tells the sites of a model whose first audit has begun. */
  expectSites(model: string, sites: SiteLocation[]): void;
  /** Gives the series; the same object until something changes. */
  snapshot(): SeriesSnapshot;
}

export interface SeriesSnapshot {
  samples: readonly Sample[];
  /** Number of models whose histograms are left out. */
  withoutHistograms: number;
}

interface ModelState {
  audits: Record<Result, number>;
  lastAuditSuccess: boolean | null;
  expectedSites: SiteLocation[];
  /**
   * Samples with and without histograms. They are made once after each change: a scrape costs no arithmetic.
   */
  samples: { full: Sample[]; brief: Sample[] } | null;
}

/**
 * Keeps the series of every model in the folder. The counters of values, positions and neurons come from the
 * stored reports, so they go on where they were when the server starts again. Audits by result are counted
 * from its start.
 *
 * @param limit Number of series that all models together may have. Beyond it the largest models are exported
 *   without their histograms, so that as few as possible lose theirs.
 */
export function openModelSeries(store: Store, failures: Pick<Failures, 'of'>, limit: number): ModelSeries {
  const states = new Map<string, ModelState>();
  let last: SeriesSnapshot | null = null;
  const stateOf = (model: string): ModelState => {
    const state = states.get(model) ?? {
      audits: { success: 0, failed: 0, cancelled: 0 },
      lastAuditSuccess: failures.of(model) ? false : store.latest(model) ? true : null,
      expectedSites: [],
      samples: null,
    };
    states.set(model, state);
    return state;
  };
  const samplesOf = (model: string, state: ModelState) => {
    const { audits, lastAuditSuccess, expectedSites } = state;
    const [latest, totals] = [store.latest(model), store.totals(model)];
    const health = { model, latest, totals, audits, lastAuditSuccess, expectedSites };
    state.samples ??= {
      full: modelSamples(health),
      brief: modelSamples(health, { histograms: false }),
    };
    return state.samples;
  };
  /** Changes a model's state; nothing happens for a model that has gone. */
  const change = (model: string, apply: (state: ModelState) => void) => {
    const state = states.get(model);
    if (!state) return;
    apply(state);
    state.samples = null;
    last = null;
  };
  return {
    setModels(models) {
      const before = [...states.keys()];
      if (before.length === models.size && before.every((model) => models.has(model))) return;
      last = null;
      for (const model of models) stateOf(model);
      for (const model of before) if (!models.has(model)) states.delete(model);
    },
    auditEnded(model, result) {
      change(model, (state) => {
        state.audits[result]++;
        if (result !== 'cancelled') state.lastAuditSuccess = result === 'success';
      });
    },
    expectSites(model, sites) {
      change(model, (state) => {
        state.expectedSites = sites;
      });
    },
    snapshot() {
      last ??= withinLimit(
        [...states].map(([model, state]) => samplesOf(model, state)),
        limit,
      );
      return last;
    },
  };
}

/** Joins the samples of all models; the largest lose their histograms until `limit` holds. */
function withinLimit(models: NonNullable<ModelState['samples']>[], limit: number): SeriesSnapshot {
  let total = models.reduce((sum, { full }) => sum + full.length, 0);
  const shortened = new Set<(typeof models)[number]>();
  for (const model of [...models].sort((a, b) => b.full.length - a.full.length)) {
    if (total <= limit) break;
    shortened.add(model);
    total -= model.full.length - model.brief.length;
  }
  const samples = models.flatMap((model) => (shortened.has(model) ? model.brief : model.full));
  return { samples, withoutHistograms: shortened.size };
}
