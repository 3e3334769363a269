import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { outputDifferences } from '../src/measure/check-outputs.js';
import { openSubject } from '../src/measure/subject.js';
import { expectProbesExact } from './raw-tensors.js';

const folder = 'models/zoo/files';
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : [];

/** The exporter made the rotary positions of one row, so that ONNX Runtime refuses more (models/zoo/README.md). */
const oneRowOnly = new Set(['llama-dynamo23.onnx']);

/** Outputs with and without probes, where a probe changes which nodes ONNX Runtime fuses; relative to nothing, the outputs are near 1. */
const FUSION_TOLERANCE = 1e-4;
/** The same for float16 and for quantized models, in which a last bit can tip a rounding to 8 or 4 bits. */
const COARSE_TOLERANCE = 0.1;

describe('the zoo in numbers', () => {
  test.concurrent.each(files)('%s: probes are exact and leave the outputs alone', async (name) => {
    const batchSize = oneRowOnly.has(name) ? 1 : 3;
    const options = { model: `${folder}/${name}`, data: 'random', tokens: 64, seqLen: 8, batchSize };
    const subject = await openSubject({ ...options, device: 'cpu', threads: 1 });
    const batch = await subject.data.rangeBatch();
    await expectProbesExact(subject.copy, batch, subject.data.masked, subject.criterion);
    const differences = await outputDifferences(subject, batch);
    const coarse = /int8|qdq|nbits|fp16/.test(name);
    for (const [output, difference] of differences) {
      expect(difference, output).toBeLessThanOrEqual(coarse ? COARSE_TOLERANCE : FUSION_TOLERANCE);
    }
  });
});
