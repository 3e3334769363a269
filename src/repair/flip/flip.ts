import { audit } from '../../app/audit.js';
import { Interrupted, UserError } from '../../errors.js';
import { tool } from '../../files/package.js';
import { openForAudit } from '../../measure/load.js';
import { dataTypeName } from '../../onnx/data-types.js';
import { partsOf } from '../../report/recompute.js';
import { type AuditReport, SCHEMA_VERSION } from '../../report/schema.js';
import type { AuditOptions } from '../../settings/options.js';
import type { RectifierLayer } from '../../sites/rectifier.js';
import { requireRectifiers } from '../../sites/require-rectifiers.js';
import { checkDestination, type Destination, modeOf } from '../destination.js';
import { applyPatched, type PatchedWeights } from '../patched-weights.js';
import { type FlippedTensor, flipLayer, unflip } from './flip-layer.js';
import { writeFlipped } from './output.js';
import type { FlipReport } from './schema.js';

export interface FlipOptions extends AuditOptions {
  /** Where the model goes; `null` only says what would be done. */
  to: Destination | null;
}

type LayerResult = FlipReport['layers'][number];

/**
 * Sign-flip initialization (Rister & Rubin, section 7): goes layer by layer through a rectifier network and negates
 * weights and bias of each that kills more than half of the data alive before it. A point that dies of the sums being
 * ≤ 0 lives with the sums negated, so that at least ⌊M/2^k⌋ of M points are alive behind k layers.
 *
 * Everything is tried in overlays; a file is written once, when all layers are done. One audit, and one more for each
 * layer that is negated.
 *
 * @throws UserError for a model that is no rectifier network, and other bad input; Interrupted when aborted: nothing is
 *   written then.
 */
export async function flip(options: FlipOptions): Promise<FlipReport> {
  const { to } = options;
  const signal = options.signal ?? new AbortController().signal;
  const { opened, load } = await openForAudit(options);
  if (to) await checkDestination(opened, to);
  const { model, rectifier, name } = load();
  const { layers } = requireRectifiers(rectifier, name);
  const patched: PatchedWeights = new Map();
  const { sites: _sites, layers: _layers, ...rest } = options;
  const auditNow = async (): Promise<AuditReport> => {
    const report = await audit(
      { ...rest, sites: ['mlp_post'], hash: false, checkOutputs: false },
      { edit: (selected) => void applyPatched(selected.model, patched) },
    );
    if (signal.aborted || !report.data.complete) throw new Interrupted('Interrupted; nothing was written.');
    return report;
  };

  const first = await auditNow();
  let current = first;
  const tensors: FlippedTensor[] = [];
  const results: LayerResult[] = [];
  for (const [index, layer] of layers.entries()) {
    const entering = index === 0 ? current.data.positions : aliveAt(current, layers[index - 1]!);
    const asIs = aliveAt(current, layer);
    const result = untouched(layer, entering, asIs);
    results.push(result);
    if (2 * asIs >= entering) continue;
    const flipped = flipLayer(model, layer.pre.value, patched);
    if (flipped.tensors === null) {
      Object.assign(result, { action: 'refused', reason: flipped.reason } satisfies Partial<LayerResult>);
      continue;
    }
    const then = await auditNow();
    result.left.negated = aliveAt(then, layer);
    if (result.left.negated <= asIs) {
      unflip(flipped.tensors, patched);
      const reason = 'negated it leaves no more alive: its sums are exactly zero';
      Object.assign(result, { action: 'refused', reason } satisfies Partial<LayerResult>);
      continue;
    }
    current = then;
    tensors.push(...flipped.tensors);
    result.action = 'flipped';
    result.tensors = flipped.tensors.map(({ initializer, kind, dataType, elements }) => ({
      initializer,
      kind,
      type: dataTypeName(dataType),
      elements,
    }));
    options.onStage?.(
      `${result.id} is negated: ${asIs} → ${result.left.negated} of ${entering} points alive.`,
    );
  }
  for (const [index, layer] of layers.entries()) {
    results[index]!.alive = { before: aliveAt(first, layer), after: aliveAt(current, layer) };
  }
  const patches = tensors.map(({ patch }) => patch);
  const output = to ? await writeFlipped(opened, to, patches, signal) : null;
  return report(first, current, results, tensors, output, to);
}

/** Data points alive at a layer. */
function aliveAt({ layers, data }: AuditReport, { post }: RectifierLayer): number {
  const share = layers.find(({ stack, layer }) => stack === post.stack && layer === post.layer)?.aliveShare;
  if (share == null) {
    throw new UserError(
      `How many data points are alive at ${post.id} cannot be counted: the layers of this network do not see the same points.`,
      'alive-unknown',
    );
  }
  return Math.round(share * data.positions);
}

function untouched({ post }: RectifierLayer, entering: number, asIs: number): LayerResult {
  const { id, stack, layer, neurons } = post;
  return {
    id,
    stack,
    layer,
    neurons: neurons ?? 0,
    entering,
    left: { asIs, negated: null },
    action: 'kept',
    reason: null,
    tensors: [],
    alive: { before: 0, after: 0 },
  };
}

function report(
  first: AuditReport,
  last: AuditReport,
  layers: LayerResult[],
  tensors: FlippedTensor[],
  output: FlipReport['output'],
  to: Destination | null,
): FlipReport {
  const points = first.data.positions;
  const alive = layers.at(-1)!.alive;
  const count = (action: LayerResult['action']) => layers.filter((layer) => layer.action === action).length;
  const [flipped, refused] = [count('flipped'), count('refused')];
  const trained = {
    code: 'flip-initialization',
    message:
      'Negating a layer changes what the network computes: this is for an initialization, before training. A flip ' +
      'takes nothing away: negating the same tensors again restores the file.',
  };
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'flip',
    tool,
    createdAt: new Date().toISOString(),
    // Derived warnings are about how often neurons fire, which is not what this asks.
    warnings: [...partsOf(first).warnings, ...(flipped > 0 ? [trained] : [])],
    model: first.model,
    data: first.data,
    runtime: last.runtime,
    options: { mode: modeOf(to) },
    layers,
    summary: {
      outcome: flipped > 0 ? 'flipped' : refused > 0 ? 'refused' : 'nothing-to-flip',
      points,
      alive,
      aliveShare: { before: alive.before / points, after: alive.after / points },
      guaranteed: refused > 0 ? null : Math.floor(points / 2 ** layers.length),
      flipped,
      refused,
      bytesChanged: tensors.reduce((sum, { patch }) => sum + changedBytes(patch.before, patch.after), 0),
    },
    output,
  };
}

function changedBytes(before: Uint8Array, after: Uint8Array): number {
  let changed = 0;
  for (let i = 0; i < before.length; i++) if (before[i] !== after[i]) changed++;
  return changed;
}
