import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openAuditData } from '../../src/app/audit-data.js';
import { openForAudit } from '../../src/app/load.js';
import type { AuditOptions } from '../../src/app/options.js';
import { measureQuality, type NoQuality } from '../../src/app/quality.js';
import { questionsOf } from '../../src/app/quality-questions.js';
import type { Batch, DataSet } from '../../src/data/types.js';
import type { NdArray } from '../../src/onnx/array.js';
import { encodeOverlay } from '../../src/overlay/overlay.js';
import { openSession } from '../../src/runtime/session.js';
import {
  emptyQuality,
  mergeQuality,
  type Quality,
  qualityLoss,
  sumQuality,
} from '../../src/stats/quality.js';
import { buildFile } from '../build.js';

const session = { device: 'cpu', threads: 1 } as const;

/** Float32 log-softmax in the graph against float64 in JavaScript, nats per prediction. */
const LOSS_TOLERANCE = 2e-6;

async function qualityOf(options: AuditOptions): Promise<Quality | NoQuality> {
  const { load } = await openForAudit(options);
  const data = await openAuditData(options, load(), new AbortController().signal);
  return measureQuality(load, data, { session });
}

/** Mean loss and accuracy from the model's own logits, computed one by one in double precision. */
async function plainly(
  options: AuditOptions,
  task: Quality['task'],
): Promise<{ loss: number; accuracy: number }> {
  const { load } = await openForAudit(options);
  const selected = load();
  const data = await openAuditData(options, selected, new AbortController().signal);
  const { folder, name, model } = selected;
  const plain = await openSession({ ...session, model: encodeOverlay(model, folder), folder, name });
  let [loss, right, asked] = [0, 0, 0];
  for await (const batch of data.batches()) {
    const questions = questionsOf(task, batch, data.tokens ?? null)!;
    const logits = (await plain.run({ feeds: questions.feeds, fetch: ['logits'] })).logits!;
    const classes = logits.dims.at(-1)!;
    for (const [row, counts] of questions.counts.entries()) {
      if (!counts) continue;
      const scores = Array.from((logits.data as Float32Array).subarray(row * classes, (row + 1) * classes));
      const largest = Math.max(...scores);
      const total = scores.reduce((sum, x) => sum + Math.exp(x - largest), 0);
      const target = Number(questions.targets[row]);
      loss += Math.log(total) + largest - scores[target]!;
      right += scores.indexOf(largest) === target ? 1 : 0;
      asked++;
    }
  }
  await plain.dispose();
  return { loss: loss / asked, accuracy: right / asked };
}

describe('quality in the graph equals quality from the logits', () => {
  test.each([
    [{ model: 'models/gpt2-relu/model.onnx', tokens: 2100 }, 'next-token'],
    [{ model: 'models/bert/model.onnx', tokens: 2100 }, 'masked-token'],
    [{ model: 'models/mlp/model.onnx', data: 'models/mlp/inputs.npz' }, 'classification'],
  ] as const)('%o: %s', async (options, task) => {
    const found = await qualityOf(options);
    expect(found).toMatchObject({ task });
    const expected = await plainly(options, task);
    const { loss, perplexity, accuracy } = found as Quality;
    expect(Math.abs(loss! - expected.loss)).toBeLessThan(LOSS_TOLERANCE);
    expect(accuracy).toBe(expected.accuracy);
    expect(perplexity).toBe(task === 'classification' ? null : Math.exp(loss!));
  });
});
