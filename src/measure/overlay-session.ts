import type { Batch } from '../data/types.js';
import type { NdArray } from '../onnx/array.js';
import { encodeOverlay } from '../probe/overlay.js';
import { openSession } from '../runtime/session.js';
import type { Session, SessionOptions } from '../runtime/types.js';
import type { AuditedModel } from './audited-model.js';
import type { SessionSettings } from './subject-types.js';

/** Opens a session on a graph as it now is. Its weights are read from the model's own files. */
export function openOverlaySession(
  copy: AuditedModel,
  settings: Omit<SessionSettings, 'signal'> & Partial<SessionSettings>,
  more: Pick<SessionOptions, 'optimization'> = {},
): Promise<Session> {
  return openEncodedSession(encodeOverlay(copy.model, copy.folder), copy, settings, more);
}

/** Opens a session on an overlay that is already encoded. */
export function openEncodedSession(
  model: Uint8Array,
  { folder, name }: Pick<AuditedModel, 'folder' | 'name'>,
  { session, signal }: Omit<SessionSettings, 'signal'> & Partial<SessionSettings>,
  more: Pick<SessionOptions, 'optimization'> = {},
): Promise<Session> {
  return openSession({ ...session, ...more, model, folder, name }, signal ? { signal } : {});
}

/** Names of the graph's inputs. Taken before an overlay adds its own. */
export const inputNames = ({ model }: AuditedModel): string[] => model.graph.inputs.map(({ name }) => name);

/** Returns those of a batch's arrays that feed these inputs. */
export function feedsFor(
  inputs: readonly string[],
  feeds: Readonly<Record<string, NdArray>>,
): Record<string, NdArray> {
  return Object.fromEntries(inputs.flatMap((name) => (feeds[name] ? [[name, feeds[name]]] : [])));
}

/** Returns the mask of a batch, bool [positions, padding included]: 1 where a position counts. */
export function positionMask({ mask, positions }: Batch): NdArray {
  const data = mask
    ? Uint8Array.from(mask.data as Uint8Array, (kept) => (kept ? 1 : 0))
    : new Uint8Array(positions).fill(1);
  return { type: 'bool', dims: [data.length], data };
}
