import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomicallySync } from '../../files/atomic.js';
import type { StateFolder } from './state-folder.js';

/** An audit that a client requested and that has not ended. */
export interface PendingAudit {
  id: string;
  createdAt: string;
  /** The request's body as it came; the server that takes it up checks it again. */
  body: unknown;
  /** Number of servers that began this audit and did not end in order. */
  starts: number;
}

/**
 * The requested audits that have not ended, one file each in the state folder. A server that dies or restarts
 * loses none. Every function throws a UserError when the folder cannot be written.
 */
export interface PendingAudits {
  add(audit: Omit<PendingAudit, 'starts'>): void;
  remove(id: string): void;
  /** Notes that the audit runs now. */
  began(id: string): void;
  /** Notes that the server ends in order, so that no pending audit is suspected of having killed it. */
  endedInOrder(): void;
  /**
   * Lists what earlier servers left, oldest first. `dropped` ran when `MOST_STARTS` servers died, and is
   * removed.
   */
  takeUp(): { waiting: PendingAudit[]; dropped: PendingAudit[] };
}

/** An audit that ran whenever the server died may be the cause, so it is tried only this often. */
const MOST_STARTS = 3;

export function openPendingAudits(state: Pick<StateFolder, 'path' | 'write'>): PendingAudits {
  const folder = join(state.path, 'requests');
  const path = (id: string): string => join(folder, `${id}.json`);
  const put = (audit: PendingAudit): void => {
    state.write(() => writeAtomicallySync(path(audit.id), JSON.stringify(audit)));
  };
  const remove = (id: string): void => state.write(() => rmSync(path(id), { force: true }));
  const all = (): PendingAudit[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => read(join(folder, name)) ?? []);
  state.write(() => mkdirSync(folder, { recursive: true }));
  return {
    add: (audit) => put({ ...audit, starts: 0 }),
    remove,
    began: (id) => {
      const audit = read(path(id));
      if (audit) put({ ...audit, starts: audit.starts + 1 });
    },
    endedInOrder: () => {
      for (const audit of all()) if (audit.starts > 0) put({ ...audit, starts: 0 });
    },
    takeUp: () => {
      const audits = all().sort((a, b) => a.createdAt.localeCompare(b.createdAt));
      const dropped = audits.filter(({ starts }) => starts >= MOST_STARTS);
      for (const { id } of dropped) remove(id);
      return { waiting: audits.filter(({ starts }) => starts < MOST_STARTS), dropped };
    },
  };
}

/** Reads one file; `null` for a file that this module did not write, which is left alone. */
function read(path: string): PendingAudit | null {
  try {
    const { id, createdAt, body, starts } = JSON.parse(readFileSync(path, 'utf8')) as Partial<PendingAudit>;
    const isWhole = typeof id === 'string' && /^[\w-]+$/.test(id) && typeof createdAt === 'string';
    if (!isWhole || !path.endsWith(`${id}.json`)) return null;
    return { id, createdAt, body, starts: Number(starts) || 0 };
  } catch {
    return null;
  }
}
