import { UserError } from '../../errors.js';
import { describeModel } from '../../measure/describe-model.js';
import { measureWhole } from '../../measure/measure.js';
import { countersAt, type Measurement } from '../../measure/measurement.js';
import { edited } from '../../measure/subject.js';
import { dataTypeName } from '../../onnx/data-types.js';
import type { AuditOptions } from '../../settings/options.js';
import type { RectifierLayer } from '../../sites/rectifier.js';
import { requireRectifiers } from '../../sites/require-rectifiers.js';
import type { LivingPoints } from '../../stats/living-points.js';
import type { Destination } from '../destination.js';
import { openRepairSubject } from '../open-subject.js';
import { applyPatched, type PatchedWeights } from '../patched-weights.js';
import { type FlippedTensor, flipLayer, unflip } from './flip-layer.js';
import { writeFlipped } from './output.js';
import { flipReport, type LayerResult } from './result.js';
import type { FlipReport } from './schema.js';

export interface FlipOptions extends AuditOptions {
  /** Destination of the model; `null` for a dry run, which writes nothing. */
  to: Destination | null;
}

/**
 * Sign-flip initialization (Rister & Rubin 2020, section 7): goes layer by layer through a rectifier network
 * and negates weights and bias of each layer that kills more than half of the data alive before it. A point
 * that dies because all sums of a layer are ≤ 0 lives when the sums are negated, so that at least ⌊M/2^k⌋ of
 * M points are alive after k layers.
 *
 * Everything is tried in overlays; a file is written once, when all layers are done. The data runs through
 * the model once, and once more for each layer that is negated.
 *
 * @throws UserError for a model that is no rectifier network, and other bad input; Interrupted when aborted:
 *   nothing is written then.
 */
export async function flip(options: FlipOptions): Promise<FlipReport> {
  const { to, sites: _sites, layers: _layers, ...whole } = options;
  const subject = await openRepairSubject(whole, to);
  const { model, rectifier, name } = subject.original;
  const { layers } = requireRectifiers(rectifier, name);
  const patched: PatchedWeights = new Map();
  const flipped = edited(subject, (copy) => {
    applyPatched(copy.model, patched);
    copy.sites = copy.allSites.filter(({ site }) => site === 'mlp_post');
  });

  const first = await measureWhole(flipped);
  let current = first;
  const tensors: FlippedTensor[] = [];
  const results: LayerResult[] = [];
  for (const [index, layer] of layers.entries()) {
    const { points, alive: asIs } = livingPoints(current, layer);
    const entering = index === 0 ? points : livingPoints(current, layers[index - 1]!).alive;
    const result = untouched(layer, entering, asIs);
    results.push(result);
    if (2 * asIs >= entering) continue;
    const negated = flipLayer(model, layer.pre.value, patched);
    if ('reason' in negated) {
      refuse(result, negated.reason);
      continue;
    }
    const measured = await measureWhole(flipped);
    result.left.negated = livingPoints(measured, layer).alive;
    if (result.left.negated <= asIs) {
      unflip(negated.tensors, patched);
      refuse(result, 'negated it leaves no more alive: its sums are exactly zero');
      continue;
    }
    current = measured;
    tensors.push(...negated.tensors);
    result.action = 'flipped';
    result.tensors = negated.tensors.map(tensorResult);
    options.onStage?.(
      `${result.id} is negated: ${asIs} → ${result.left.negated} of ${entering} points alive.`,
    );
  }
  for (const [index, layer] of layers.entries()) {
    results[index]!.alive = {
      before: livingPoints(first, layer).alive,
      after: livingPoints(current, layer).alive,
    };
  }
  const patches = tensors.map(({ patch }) => patch);
  return flipReport({
    model: describeModel(subject, options.name),
    first,
    last: current,
    points: livingPoints(first, layers[0]!).points,
    layers: results,
    patches,
    to,
    output: to ? await writeFlipped(subject.opened, to, patches, subject.signal) : null,
  });
}

/** Returns the data points alive after a layer. @throws UserError where they were not counted. */
function livingPoints(measurement: Measurement, { post }: RectifierLayer): LivingPoints {
  const counted = countersAt(measurement, post.id).livingPoints;
  if (counted) return counted;
  throw new UserError(
    `How many data points are alive at ${post.id} cannot be counted: the layers of this network do not see the same points.`,
    'alive-unknown',
  );
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

function refuse(result: LayerResult, reason: string): void {
  result.action = 'refused';
  result.reason = reason;
}

function tensorResult({
  initializer,
  kind,
  dataType,
  elements,
}: FlippedTensor): LayerResult['tensors'][number] {
  return { initializer, kind, type: dataTypeName(dataType), elements };
}
