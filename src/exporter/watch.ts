import type { ModelFile } from './model-files.js';

export interface WatchOptions {
  /** True to audit a file when it appears and when it changes. */
  watch: boolean;
  /** Seconds after which a model is audited again; `null` for never. */
  everySeconds: number | null;
  /** Seconds for which a file must not have changed, unless it is complete (see `ModelFile`). */
  settleSeconds: number;
  /** Gives when the file as it is now was last audited, milliseconds since 1970; `null` if never. */
  auditedAt: (file: ModelFile) => number | null;
  audit: (file: ModelFile, trigger: 'watch' | 'schedule') => void;
}

export interface Watcher {
  /** Requests the audits that are due. `now` is in milliseconds since 1970. */
  look(files: readonly ModelFile[], now: number): void;
}

/**
 * Decides which files are due. The folder is looked at again and again, not subscribed to: this works on
 * network file systems, and a size has to be seen twice before it counts as stable.
 */
export function watcher({ watch, everySeconds, settleSeconds, auditedAt, audit }: WatchOptions): Watcher {
  /** Signature and time of the last audit that was requested, by file. */
  const requested = new Map<string, { signature: string; at: number }>();
  /** Signature of a file that may still be growing and the time since when it has had it, by file. */
  const settling = new Map<string, { signature: string; since: number }>();

  const isSettled = ({ file, signature, complete }: ModelFile, now: number): boolean => {
    if (complete || settleSeconds === 0) return true;
    const before = settling.get(file);
    if (before?.signature === signature) return now - before.since >= settleSeconds * 1000;
    settling.set(file, { signature, since: now });
    return false;
  };
  const dueBy = (file: ModelFile, isLatest: boolean, now: number): 'watch' | 'schedule' | null => {
    const last = requested.get(file.file);
    const lastAudit = last?.signature === file.signature ? last.at : auditedAt(file);
    if (lastAudit === null && watch) return 'watch';
    // Of a training run only the latest checkpoint is audited again: the others do not change any more.
    if (everySeconds === null || !isLatest) return null;
    return lastAudit === null || now - lastAudit >= everySeconds * 1000 ? 'schedule' : null;
  };
  return {
    look(files, now) {
      const present = new Set(files.map(({ file }) => file));
      for (const memory of [requested, settling]) {
        for (const file of memory.keys()) if (!present.has(file)) memory.delete(file);
      }
      const latest = new Map(files.map(({ model, file }) => [model, file]));
      for (const file of files) {
        const trigger = dueBy(file, latest.get(file.model) === file.file, now);
        if (trigger === null || !isSettled(file, now)) continue;
        settling.delete(file.file);
        requested.set(file.file, { signature: file.signature, at: now });
        audit(file, trigger);
      }
    },
  };
}
