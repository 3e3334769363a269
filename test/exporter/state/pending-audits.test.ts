import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPendingAudits } from '../../../src/exporter/state/pending-audits.js';
import { temporaryFolder } from '../metrics/services.js';

const stateAt = (path: string) => ({ path, write: <T>(action: () => T) => action() });

describe('a pending audit', () => {
  it('is dropped when it ran whenever three servers died', () => {
    const folder = temporaryFolder();
    const pending = openPendingAudits(stateAt(folder));
    pending.add({ id: 'a', createdAt: '2026-01-02', body: { model: 'm' } });
    pending.add({ id: 'b', createdAt: '2026-01-01', body: { model: 'm' } });
    writeFileSync(join(folder, 'requests/foreign.json'), '{"half');
    const left = (starts: number) => ({ id: 'b', createdAt: '2026-01-01', body: { model: 'm' }, starts });
    const waiting = { id: 'a', createdAt: '2026-01-02', body: { model: 'm' }, starts: 0 };
    for (const starts of [0, 1, 2]) {
      expect(pending.takeUp()).toEqual({ waiting: [left(starts), waiting], dropped: [] });
      pending.began('b');
    }
    pending.endedInOrder();
    expect(pending.takeUp().waiting).toEqual([left(0), waiting]);
    for (let starts = 0; starts < 3; starts++) pending.began('b');
    expect(pending.takeUp()).toEqual({ waiting: [waiting], dropped: [left(3)] });
    pending.remove('a');
    expect(readdirSync(join(folder, 'requests'))).toEqual(['foreign.json']);
  });

  it('that cannot be written is refused through the state folder', () => {
    const folder = temporaryFolder();
    const pending = openPendingAudits({
      path: folder,
      write: (action) => {
        try {
          return action();
        } catch {
          throw new Error('refused');
        }
      },
    });
    rmSync(join(folder, 'requests'), { recursive: true });
    expect(() => pending.add({ id: 'a', createdAt: '2026-01-02', body: {} })).toThrow('refused');
    mkdirSync(join(folder, 'requests'));
    expect(() => pending.add({ id: 'a', createdAt: '2026-01-02', body: {} })).not.toThrow();
  });
});
