/**
 * Old signatures, only here until the repairs are moved to subjects and measurements: see `subject.ts` (one
 * opening of model, data and device; `edited` for variants), `measure.ts` (`measureWhole`), `quality.ts`,
 * `input-means.ts`, `shapes.ts`.
 */
import type { Batch, DataSet } from '../data/types.js';
import type { OpenedModel } from '../onnx/skeleton.js';
import type { SessionOptions } from '../runtime/types.js';
import type { Site } from '../sites/types.js';
import type { Quality, QualityTask } from '../stats/quality.js';
import { type AuditedModel, type ModelOptions, openAuditedFile } from './audited-model.js';
import { inputMeans as inputMeansOf } from './input-means.js';
import { type NoQuality, measureQuality as qualityOf } from './quality.js';
import { tensorShapes } from './shapes.js';
import type { Subject } from './subject.js';

export type { AuditedModel as SelectedModel, ModelOptions as LoadOptions } from './audited-model.js';
export { requireSites } from './audited-model.js';

type Where = Pick<SessionOptions, 'device' | 'threads'>;

/** @deprecated */
export async function openForAudit(
  options: ModelOptions,
): Promise<{ opened: OpenedModel; load: () => AuditedModel }> {
  const { opened, copy } = await openAuditedFile(options);
  return { opened, load: copy };
}

/** @deprecated */
export function measureQuality(
  load: () => AuditedModel,
  data: DataSet,
  options: { session: Where; task?: QualityTask; signal?: AbortSignal | undefined; onProgress?: unknown },
): Promise<Quality | NoQuality> {
  return qualityOf(subjectOf(load, data, options.session, options.signal, options.onProgress), {
    ...(options.task && { task: options.task }),
  });
}

/** @deprecated */
export function inputMeans(
  load: () => AuditedModel,
  wanted: (site: Site) => boolean,
  data: DataSet,
  { session, signal }: { session: Where; signal?: AbortSignal },
): Promise<Map<string, Float64Array>> {
  return inputMeansOf(subjectOf(load, data, session, signal), wanted);
}

/** @deprecated */
export function measureShapes(
  model: AuditedModel,
  batch: Batch,
  session: Where,
  signal: AbortSignal,
): Promise<Map<string, number[]>> {
  return tensorShapes(
    subjectOf(() => model, null as unknown as DataSet, session, signal),
    batch,
  );
}

const subjectOf = (
  copy: () => AuditedModel,
  data: DataSet,
  session: Where,
  signal?: AbortSignal,
  onProgress?: unknown,
): Subject =>
  ({
    copy,
    data,
    session,
    signal: signal ?? new AbortController().signal,
    options: { onProgress },
  }) as unknown as Subject;
