import { describe, expect, test } from 'vitest';
import { rowsThatFit } from '../../src/measure/batch-size.js';
import { openSubject } from '../../src/measure/subject.js';
import { memoryBytes } from '../../src/settings/audit-settings.js';
import { buildFile } from '../build.js';

/** One input channel of 64 × 64 pixels becomes 64 channels: 1 MiB of float32 for a row of 16 kiB. */
const wide = (): string =>
  buildFile({
    inputs: { x: ['float32', ['batch', 1, 64, 64]] },
    initializers: { w: ['float32', [64, 1, 1, 1], 1], v: ['float32', [4, 64, 1, 1], 1] },
    nodes: [
      ['Conv', ['x', 'w'], ['h']],
      ['Relu', ['h'], ['r']],
      ['Conv', ['r', 'v'], ['y']],
    ],
    outputs: { y: ['float32', ['batch', 4, 64, 64]] },
  });

const settings = { data: 'random', tokens: 'all', threads: 1 } as const;

describe('the batch size of a convolutional network', () => {
  test('is bounded by its activations, not by its inputs', async () => {
    const free = await openSubject({ model: wide(), ...settings, memory: '10GB' });
    const tight = await openSubject({ model: wide(), ...settings, memory: '32MB' });
    expect(free.data.description.batchSize).toBeGreaterThan(16);
    expect(tight.data.description.batchSize).toBeGreaterThanOrEqual(1);
    expect(tight.data.description.batchSize).toBeLessThanOrEqual(8);
  });

  test('is at least one row', async () => {
    const { data } = await openSubject({ model: wide(), ...settings, memory: '1kB' });
    expect(data.description.batchSize).toBe(1);
  });

  test('is what was asked for, whatever the memory', async () => {
    const subject = await openSubject({ model: wide(), ...settings, batchSize: 12, memory: '1kB' });
    expect(subject.data.description.batchSize).toBe(12);
    expect(await rowsThatFit(subject)).toBeNull();
  });
});

describe('memoryBytes', () => {
  test.each([
    ['2GB', 2e9],
    ['512 MiB', 512 * 2 ** 20],
    ['1.5kB', 1500],
  ])('%s', (text, bytes) => {
    expect(memoryBytes(text)).toBe(bytes);
  });
});
