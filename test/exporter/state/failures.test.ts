import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFailures } from '../../../src/exporter/state/failures.js';
import { temporaryFolder } from '../metrics/services.js';

const open = (path: string) => openFailures({ path, write: (action) => action() });
const failureOf = (model: string) => ({
  ...{ model, step: null },
  at: '2026-01-02T00:00:00.000Z',
  reason: 'cut short',
});

describe('the failure of a model', () => {
  it('is known after a restart, until an audit succeeds', () => {
    const folder = temporaryFolder();
    const failures = open(folder);
    failures.set(failureOf('runs/a'));
    expect(open(folder).of('runs/a')).toEqual(failureOf('runs/a'));
    failures.clear('runs/a');
    expect(failures.of('runs/a')).toBeNull();
    expect(open(folder).of('runs/a')).toBeNull();
  });

  it('is kept for names of any kind, and a damaged file is left out', () => {
    const folder = temporaryFolder();
    const names = ['__proto__', '..', 'a/b', 'x'.repeat(300)];
    for (const name of names) open(folder).set(failureOf(name));
    writeFileSync(join(folder, 'failures/half.json'), '{"mo');
    for (const name of names) expect(open(folder).of(name), name).toEqual(failureOf(name));
    expect(open(folder).of('toString')).toBeNull();
  });
});
