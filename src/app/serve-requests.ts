import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An audit that was asked for and has not ended. */
export interface Request {
  id: string;
  createdAt: string;
  /** As it came, to be checked again by the server that takes it up. */
  body: unknown;
  /** How many servers have begun with it waiting. */
  starts: number;
}

/** The audits that were asked for, a file each in the state folder, so that a server that dies or restarts loses none. */
export interface Requests {
  add(request: Omit<Request, 'starts'>): void;
  remove(id: string): void;
  /** What a server before has left, oldest first; one that has outlived `MOST_STARTS` servers is dropped. */
  left(): Request[];
}

/** A request that was there whenever the server died may be why. */
const MOST_STARTS = 3;

export function openRequests(state: string): Requests {
  const folder = join(state, 'requests');
  mkdirSync(folder, { recursive: true });
  const path = (id: string): string => join(folder, `${id}.json`);
  const write = (request: Request): void => {
    const temporary = join(folder, `.${request.id}.tmp`);
    writeFileSync(temporary, JSON.stringify(request));
    renameSync(temporary, path(request.id));
  };
  return {
    add: (request) => write({ ...request, starts: 0 }),
    remove: (id) => rmSync(path(id), { force: true }),
    left: () => {
      const names = readdirSync(folder);
      for (const name of names) if (name.endsWith('.tmp')) rmSync(join(folder, name), { force: true });
      const requests = names
        .filter((name) => name.endsWith('.json'))
        .flatMap((name) => read(join(folder, name)) ?? []);
      for (const request of requests) {
        if (request.starts >= MOST_STARTS) rmSync(path(request.id), { force: true });
        else write({ ...request, starts: request.starts + 1 });
      }
      return requests
        .filter(({ starts }) => starts < MOST_STARTS)
        .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
    },
  };
}

/** A file that is none of ours is left alone. */
function read(path: string): Request | null {
  try {
    const { id, createdAt, body, starts } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Request>;
    const whole = typeof id === 'string' && /^[\w-]+$/.test(id) && typeof createdAt === 'string';
    return whole && path.endsWith(`${id}.json`) ? { id, createdAt, body, starts: Number(starts) || 0 } : null;
  } catch {
    return null;
  }
}
