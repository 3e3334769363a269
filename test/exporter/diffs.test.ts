import { describe, expect, it } from 'vitest';
import { openDiffs } from '../../src/exporter/diffs.js';

function setup() {
  const running: { pair: string; end: (error?: Error) => void }[] = [];
  const diffs = openDiffs(
    (oldId, newId) =>
      new Promise((resolve, reject) => {
        const pair = `${oldId}-${newId}`;
        running.push({ pair, end: (error) => (error ? reject(error) : resolve(`diff ${pair}`)) });
      }),
  );
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { diffs, running, settled };
}

describe('comparisons', () => {
  it('run two at a time, and the next one starts when one ends', async () => {
    const { diffs, running, settled } = setup();
    const answers = ['a', 'b', 'c'].map((id) => diffs.compare(id, 'z'));
    await settled();
    expect(running.map(({ pair }) => pair)).toEqual(['a-z', 'b-z']);
    running[0]!.end();
    expect(await answers[0]).toBe('diff a-z');
    await settled();
    expect(running.map(({ pair }) => pair)).toEqual(['a-z', 'b-z', 'c-z']);
  });

  it('of the same pair are done once, at the same time and later', async () => {
    const { diffs, running, settled } = setup();
    const answers = [diffs.compare('a', 'b'), diffs.compare('a', 'b')];
    await settled();
    expect(running).toHaveLength(1);
    running[0]!.end();
    expect(await Promise.all(answers)).toEqual(['diff a-b', 'diff a-b']);
    expect(await diffs.compare('a', 'b')).toBe('diff a-b');
    expect(running).toHaveLength(1);
  });

  it('are refused when too many wait', async () => {
    const { diffs, settled } = setup();
    for (let i = 0; i < 18; i++) void diffs.compare(`${i}`, 'z');
    await settled();
    await expect(diffs.compare('one more', 'z')).rejects.toThrow(
      expect.objectContaining({ code: 'diff-busy' }),
    );
  });

  it('that fail are tried again when asked again', async () => {
    const { diffs, running, settled } = setup();
    const first = diffs.compare('a', 'b');
    await settled();
    running[0]!.end(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    const second = diffs.compare('a', 'b');
    await settled();
    running[1]!.end();
    expect(await second).toBe('diff a-b');
  });
});
