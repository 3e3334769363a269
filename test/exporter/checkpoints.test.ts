import { describe, expect, it } from 'vitest';
import { checkpointPattern } from '../../src/exporter/checkpoints.js';

describe('the pattern of checkpoints', () => {
  it.each([
    ['<name>/checkpoint-<n>/*.onnx', 'run/checkpoint-500/model.onnx', { model: 'run', step: 500 }],
    ['<name>.<n>.onnx', 'a.b.7.onnx', { model: 'a.b', step: 7 }],
    ['<name>-step-<n>.onnx', 'a-step-x.onnx', null],
  ])('%s matched with %s', (pattern, file, expected) => {
    expect(checkpointPattern(pattern)(file)).toEqual(expected);
  });

  it.each(['model.onnx', '<name>.onnx', '<n>.onnx', '<name>-<name>-<n>.onnx'])('%s is refused', (pattern) => {
    expect(() => checkpointPattern(pattern)).toThrow(/Expected `checkpoints` to be a pattern/);
  });
});
