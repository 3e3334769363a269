import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An audit that was asked for and has not ended. */
export interface AskedAudit {
  id: string;
  createdAt: string;
  /** As it came, to be checked again by the server that takes it up. */
  body: unknown;
  /** How many servers have begun with its audit and did not end in order. */
  starts: number;
}

/** The audits that were asked for, a file each in the state folder, so that a server that dies or restarts loses none. */
export interface Requests {
  add(request: Omit<AskedAudit, 'starts'>): void;
  remove(id: string): void;
  /** Its audit runs now. */
  began(id: string): void;
  /** The server ends in order: what is left was not what killed it. */
  endedInOrder(): void;
  /** What a server before has left, oldest first, and what is dropped: it ran when `MOST_STARTS` servers died. */
  left(): { waiting: AskedAudit[]; dropped: AskedAudit[] };
}

/** A request whose audit ran whenever the server died may be why. */
const MOST_STARTS = 3;

export function openRequests(state: string): Requests {
  const folder = join(state, 'requests');
  mkdirSync(folder, { recursive: true });
  const path = (id: string): string => join(folder, `${id}.json`);
  const write = (request: AskedAudit): void => {
    const temporary = join(folder, `.${request.id}.tmp`);
    writeFileSync(temporary, JSON.stringify(request));
    renameSync(temporary, path(request.id));
  };
  const all = (): AskedAudit[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => read(join(folder, name)) ?? []);
  return {
    add: (request) => write({ ...request, starts: 0 }),
    remove: (id) => rmSync(path(id), { force: true }),
    began: (id) => {
      const request = read(path(id));
      if (request) write({ ...request, starts: request.starts + 1 });
    },
    endedInOrder: () => {
      for (const request of all()) if (request.starts > 0) write({ ...request, starts: 0 });
    },
    left: () => {
      for (const name of readdirSync(folder))
        if (name.endsWith('.tmp')) rmSync(join(folder, name), { force: true });
      const requests = all().sort((a, b) => a.createdAt.localeCompare(b.createdAt));
      const dropped = requests.filter(({ starts }) => starts >= MOST_STARTS);
      for (const { id } of dropped) rmSync(path(id), { force: true });
      return { waiting: requests.filter(({ starts }) => starts < MOST_STARTS), dropped };
    },
  };
}

/** A file that is none of ours is left alone. */
function read(path: string): AskedAudit | null {
  try {
    const { id, createdAt, body, starts } = JSON.parse(readFileSync(path, 'utf8')) as Partial<AskedAudit>;
    const whole = typeof id === 'string' && /^[\w-]+$/.test(id) && typeof createdAt === 'string';
    return whole && path.endsWith(`${id}.json`) ? { id, createdAt, body, starts: Number(starts) || 0 } : null;
  } catch {
    return null;
  }
}
