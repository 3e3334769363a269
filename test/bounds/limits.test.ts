import { describe, expect, it } from 'vitest';
import { convolutionParameters } from '../../src/bounds/formulas.js';
import {
  checkNumber,
  checkNumbers,
  checkProbability,
  checkSimulation,
  LIMITS,
} from '../../src/bounds/limits.js';

describe('numbers of bounds', () => {
  it('are accepted at both limits and refused beyond, with the reason', () => {
    for (const [name, { least, most, reason }] of Object.entries(LIMITS)) {
      checkNumbers({ [name]: least });
      checkNumbers({ [name]: most });
      expect(() => checkNumbers({ [name]: least - 1 })).toThrow(`Expected \`${name}\` to be a whole number`);
      expect(() => checkNumbers({ [name]: most + 1 })).toThrow(reason);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1.5, 1e300])('refuse %d', (value) => {
    expect(() => checkNumber('width', value, 'text')).toThrow(/Expected `width` .*, got `text`\.$/);
  });

  it('keep parameters exact: the largest convolution has fewer than 2^53', () => {
    const { width, kernel } = LIMITS;
    expect(convolutionParameters(width.most, kernel.most, true)).toBeLessThan(2 ** 53);
  });

  it.each([0, 1, -1, 2, Number.NaN])('a probability is not %d', (value) => {
    expect(() => checkProbability(value)).toThrow(/between 0 and 1, both excluded/);
  });
});

describe('a simulated network', () => {
  const dense = { width: 8, depth: 64, points: 1024, convolution: null };

  it('fits into memory', () => {
    checkSimulation(dense);
    checkSimulation({ ...dense, width: 16, convolution: { kernel: 64, side: 8 } });
  });

  it.each([
    [{ width: 1025 }, '`width` of 1,024'],
    [{ depth: 5000 }, '`depth` of 4,096'],
    [{ points: 2 ** 24 }, '`width` × `points`'],
    [{ convolution: { kernel: 1, side: 1024 } }, '`width` × `side`² × `points`'],
    [{ width: 32, convolution: { kernel: 64, side: 1 } }, '`width` × `kernel`'],
  ])('with %j is refused', (change, message) => {
    expect(() => checkSimulation({ ...dense, ...change })).toThrow(message);
  });
});
