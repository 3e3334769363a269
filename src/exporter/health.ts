import type { Place } from './metrics/extract.js';
import type { Result } from './metrics/names.js';
import { modelSamples, type Sample } from './metrics/samples.js';
import type { Store } from './store.js';

export interface Health {
  /** The models that have series from now on; the others lose theirs. */
  setModels(models: ReadonlySet<string>): void;
  /** An audit of the model has ended. */
  ended(model: string, result: Result): void;
  /** The sites of a model whose first audit has begun. */
  expect(model: string, sites: Place[]): void;
  /** The series of all models, and of how many the histograms were left out; the same object until something changes. */
  samples(): ModelSeries;
}

export interface ModelSeries {
  samples: readonly Sample[];
  withoutHistograms: number;
}

interface State {
  audits: Record<Result, number>;
  lastAuditSuccess: boolean | null;
  expected: Place[];
  /** Made when first asked for after a change: a scrape between two audits costs no arithmetic. */
  cached: { full: Sample[]; brief: Sample[] } | null;
}

/**
 * The series of every model in the folder. The counters of values, positions and neurons come from the stored reports,
 * so they go on where they were when the server starts again; audits by result are counted from its start.
 *
 * @param limit Series that all models together may have: beyond it models are exported without their histograms.
 */
export function healthOf(store: Store, limit: number): Health {
  const states = new Map<string, State>();
  let last: ModelSeries | null = null;
  const stateOf = (model: string): State => {
    const state = states.get(model) ?? {
      audits: { success: 0, failed: 0, cancelled: 0 },
      lastAuditSuccess: store.latest(model) ? true : null,
      expected: [],
      cached: null,
    };
    states.set(model, state);
    return state;
  };
  const cachedOf = (model: string, state: State) => {
    const { audits, lastAuditSuccess, expected } = state;
    const health = {
      model,
      latest: store.latest(model),
      totals: store.totals(model),
      audits,
      lastAuditSuccess,
    };
    state.cached ??= {
      full: modelSamples({ ...health, expected }),
      brief: modelSamples({ ...health, expected }, { histograms: false }),
    };
    return state.cached;
  };
  return {
    setModels(models) {
      const before = [...states.keys()];
      if (before.length === models.size && before.every((model) => models.has(model))) return;
      last = null;
      for (const model of models) stateOf(model);
      for (const model of before) if (!models.has(model)) states.delete(model);
    },
    ended(model, result) {
      const state = states.get(model);
      if (!state) return;
      state.audits[result]++;
      if (result !== 'cancelled') state.lastAuditSuccess = result === 'success';
      state.cached = null;
      last = null;
    },
    expect(model, sites) {
      const state = states.get(model);
      if (!state) return;
      Object.assign(state, { expected: sites, cached: null });
      last = null;
    },
    samples() {
      if (last) return last;
      const models = [...states].map(([model, state]) => cachedOf(model, state));
      let total = models.reduce((sum, { full }) => sum + full.length, 0);
      const brief = new Set<(typeof models)[number]>();
      // The largest first: so the fewest lose their histograms.
      for (const model of [...models].sort((a, b) => b.full.length - a.full.length)) {
        if (total <= limit) break;
        brief.add(model);
        total -= model.full.length - model.brief.length;
      }
      const samples = models.flatMap((model) => (brief.has(model) ? model.brief : model.full));
      last = { samples, withoutHistograms: brief.size };
      return last;
    },
  };
}
