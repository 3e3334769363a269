import { tool } from '../../files/package.js';
import type { BytePatch } from '../../files/patch.js';
import type { ModelFacts } from '../../measure/describe-model.js';
import type { Measurement } from '../../measure/measurement.js';
import { runtimeOf } from '../../report/of-measurement.js';
import { SCHEMA_VERSION } from '../../report/schema.js';
import { changedBytes } from '../changed-files.js';
import { type Destination, modeOf } from '../destination.js';
import type { FlipReport } from './schema.js';

export type LayerResult = FlipReport['layers'][number];

/** Findings of a flip. */
export interface FlipParts {
  model: ModelFacts;
  first: Measurement;
  last: Measurement;
  /** Number of data points, M. */
  points: number;
  layers: LayerResult[];
  patches: BytePatch[];
  to: Destination | null;
  output: FlipReport['output'];
}

const INITIALIZATION = {
  code: 'flip-initialization',
  message:
    'Negating a layer changes what the network computes: this is for an initialization, before training. A flip ' +
    'takes nothing away: negating the same tensors again restores the file.',
};

/** Writes the report of a flip. */
export function flipReport(parts: FlipParts): FlipReport {
  const { model, first, last, points, layers, patches, to, output } = parts;
  const { alive } = layers.at(-1)!;
  const count = (action: LayerResult['action']) => layers.filter((layer) => layer.action === action).length;
  const [flipped, refused] = [count('flipped'), count('refused')];
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'flip',
    tool,
    createdAt: new Date().toISOString(),
    // Warnings that a report derives are about how often neurons fire, which a flip does not ask.
    warnings: [...first.warnings, ...(flipped > 0 ? [INITIALIZATION] : [])],
    model,
    data: first.data,
    runtime: runtimeOf(last.run),
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
      bytesChanged: changedBytes(patches),
    },
    output,
  };
}
