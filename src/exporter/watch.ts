import type { ModelFile } from './models.js';

export interface WatchOptions {
  /** Audit what appears and what changes. */
  watch: boolean;
  /** Seconds after which a model is audited again; `null` for never. */
  everySeconds: number | null;
  /** Seconds for which a file must not have changed, unless it was put there whole. */
  settleSeconds: number;
  /** When the file was last audited, milliseconds since 1970, if its report is about the file as it is. */
  auditedAt: (file: ModelFile) => number | null;
  audit: (file: ModelFile, trigger: 'watch' | 'schedule') => void;
}

/**
 * Decides which files are due. A folder is looked at over and over rather than subscribed to: that works on network
 * file systems, and a size has to be seen twice anyway to be called stable.
 */
export function watcher({ watch, everySeconds, settleSeconds, auditedAt, audit }: WatchOptions): {
  look: (files: readonly ModelFile[], now: number) => void;
} {
  /** Signatures that an audit was asked for, by file. */
  const asked = new Map<string, { signature: string; at: number }>();
  const settling = new Map<string, { signature: string; since: number }>();

  const isSettled = ({ file, signature, complete }: ModelFile, now: number): boolean => {
    if (complete) return true;
    const seen = settling.get(file);
    if (seen?.signature !== signature) settling.set(file, { signature, since: now });
    else return now - seen.since >= settleSeconds * 1000;
    return settleSeconds === 0;
  };
  const isDue = (one: ModelFile, last: boolean, now: number): 'watch' | 'schedule' | null => {
    const before = asked.get(one.file);
    const since = before?.signature === one.signature ? before.at : auditedAt(one);
    if (since === null && watch) return 'watch';
    // Of a training run only the last checkpoint is audited again: the others belong to the past.
    if (everySeconds === null || !last) return null;
    return since === null || now - since >= everySeconds * 1000 ? 'schedule' : null;
  };
  return {
    look(files, now) {
      const present = new Set(files.map(({ file }) => file));
      for (const memory of [asked, settling]) {
        for (const file of memory.keys()) if (!present.has(file)) memory.delete(file);
      }
      const last = new Map(files.map((one) => [one.model, one.file]));
      for (const one of files) {
        const trigger = isDue(one, last.get(one.model) === one.file, now);
        if (trigger === null || !isSettled(one, now)) continue;
        settling.delete(one.file);
        asked.set(one.file, { signature: one.signature, at: now });
        audit(one, trigger);
      }
    },
  };
}
