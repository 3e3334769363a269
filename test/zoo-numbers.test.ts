import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { outputDifferences } from '../src/measure/check-outputs.js';
import { openSubject } from '../src/measure/subject.js';
import { expectProbesExact } from './raw-tensors.js';

const folder = 'models/zoo/files';
const files = readdirSync(folder).filter((name) => name.endsWith('.onnx'));

/** The exporter made the rotary positions of one row, so that ONNX Runtime refuses more (models/zoo/README.md). */
const oneRowOnly = new Set(['llama-dynamo23.onnx']);

/**
 * Largest difference of an output with and without probes, relative to its largest number, where a probe undoes a fusion.
 * In quantized models nothing is fused across a site: there the outputs are equal to the bit.
 */
const toleranceOf = (name: string): number =>
  /fp16/.test(name) ? 2e-3 : /int8|qdq|nbits/.test(name) ? 0 : 1e-6;

describe('the zoo in numbers', () => {
  test.concurrent.each(files)('%s: probes are exact and leave the outputs alone', async (name) => {
    const batchSize = oneRowOnly.has(name) ? 1 : 3;
    const options = { model: `${folder}/${name}`, data: 'random', tokens: 64, seqLen: 8, batchSize };
    const subject = await openSubject({ ...options, device: 'cpu', threads: 1 });
    const batch = await subject.data.rangeBatch();
    await expectProbesExact(subject.copy, batch, subject.data.masked, subject.criterion);
    const differences = await outputDifferences(subject, batch);
    for (const { output, difference, magnitude } of differences) {
      expect(difference, output).toBeLessThanOrEqual(toleranceOf(name) * magnitude);
    }
  });
});
