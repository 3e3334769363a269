import type { Batch, TokenFacts } from '../data/types.js';
import { RunError } from '../errors.js';
import { allNodes } from '../graph/traversal.js';
import type { NdArray } from '../onnx/array.js';
import { findEmbeddings } from '../patterns/embedding.js';
import { findLogits } from '../patterns/logits.js';
import { addQualityHead, QUALITY_NODES, QUALITY_OPSET, type QualityHead } from '../probe/quality-head.js';
import type { Session } from '../runtime/types.js';
import {
  emptyQuality,
  finishQuality,
  mergeQuality,
  type Quality,
  type QualityTask,
  sumQuality,
} from '../stats/quality.js';
import { feedsFor, inputNames, openOverlaySession } from './overlay-session.js';
import { type Questions, questionsOf, withOtherFuture } from './quality-questions.js';
import type { Subject } from './subject-types.js';

/** Reason, as a sentence, for which a model's quality cannot be measured. */
export interface NoQuality {
  reason: string;
}

export interface QualityOptions {
  /**
   * Task found by `measureQuality` for the original, so that variants of a model are asked the same. Default:
   * see `taskOf`.
   */
  task?: QualityTask;
}

/**
 * Measures how well a model predicts the data: one pass over all batches, in which only the loss of every row
 * leaves the graph.
 *
 * @returns The quality, or the reason why it cannot be measured.
 * @throws RunError and Interrupted as sessions do.
 */
export async function measureQuality(
  subject: Subject,
  options: QualityOptions = {},
): Promise<Quality | NoQuality> {
  const { data } = subject;
  if (data.kind === 'random') return { reason: 'the data is random, so there is nothing to predict' };
  const copy = subject.copy();
  const { graph, opsets } = copy.model;
  const logits = findLogits(graph, findEmbeddings(graph).vocabulary);
  if (!logits) return { reason: 'no output is known to be logits' };
  const opset = opsets.get('') ?? 1;
  if (opset < QUALITY_OPSET)
    return { reason: `its opset is ${opset}; from ${QUALITY_OPSET} on it is measured` };
  if (logits.type?.shape?.at(-1) === 1)
    return { reason: 'its output is one number, no choice among classes' };
  const quantized = [...allNodes(graph)].some(({ opType }) => opType === 'DynamicQuantizeLinear');
  const head = addQualityHead(copy.model, logits);
  const inputs = inputNames(copy).filter((name) => name !== head.targets);
  const session = await openOverlaySession(copy, subject);
  try {
    const run: Run = { session, head, inputs, quantized, tokens: data.tokens ?? null };
    return await measure(run, subject, options);
  } catch (error) {
    if (!(error instanceof RunError && error.message.startsWith(MISFIT))) throw error;
    return { reason: 'what the data has to predict does not fit the rows or classes of the logits' };
  } finally {
    await session.dispose();
  }
}

const MISFIT = `The run failed at node \`${QUALITY_NODES}`;

interface Run {
  session: Session;
  head: QualityHead;
  inputs: string[];
  tokens: TokenFacts | null;
  /** The scale of activations is taken over all tokens at once, future ones too. */
  quantized: boolean;
}

async function measure(
  run: Run,
  { data, options: { onProgress } }: Subject,
  options: QualityOptions,
): Promise<Quality | NoQuality> {
  const begun = performance.now();
  let task = options.task ?? null;
  let sums = emptyQuality();
  let positions = 0;
  for await (const batch of data.batches()) {
    if (!task) {
      const found = await taskOf(run, batch);
      if (typeof found !== 'string') return found;
      task = found;
    }
    const questions = questionsOf(task, batch, run.tokens);
    if (!questions) return { reason: 'the data has no labels that are classes' };
    const { loss, correct } = await answer(run, questions);
    sums = mergeQuality(sums, sumQuality(loss, correct, questions.counts));
    positions += batch.positions;
    const elapsedSeconds = (performance.now() - begun) / 1000;
    onProgress?.({ positions, total: data.positions, elapsedSeconds });
  }
  if (!task || sums.positions === 0) return { reason: 'the data holds nothing to predict' };
  return finishQuality(task, sums);
}

/** The largest relative change of a loss that rounding makes. */
const SAME_LOSS = 1e-4;

/**
 * What to ask a model: classes where the data has labels; else, of a language model, the next token if its
 * attention masks out the future, masked tokens if not. Whether it does is found by trying, which works for
 * every export: the first batch is run again with other tokens in the second half of every row, and the
 * losses of the first half must stay. (Where activations are quantized by a scale common to all tokens they
 * never stay; there a tokenizer without a mask token tells.)
 */
async function taskOf(run: Run, batch: Batch): Promise<QualityTask | NoQuality> {
  if (batch.labels) return 'classification';
  const { tokens } = run;
  if (!tokens) return { reason: 'the data has no labels' };
  if (Object.keys(batch.feeds).some((name) => /decoder_input_ids/.test(name))) {
    return { reason: 'an encoder-decoder needs pairs of texts' };
  }
  const other = withOtherFuture(batch, tokens);
  const questions = questionsOf('next-token', batch, tokens);
  if (!other || !questions) return { reason: 'sequences of one token have nothing to predict' };
  const [before, after] = [await answer(run, questions), await answer(run, { ...questions, ...other })];
  const moved = before.loss.some(
    (loss, at) => other.before[at] && Math.abs(after.loss[at]! - loss) > SAME_LOSS * (1 + Math.abs(loss)),
  );
  if (!moved || (run.quantized && tokens.mask === null)) return 'next-token';
  if (tokens.mask !== null) return 'masked-token';
  return { reason: 'the model sees the tokens after each, and its tokenizer has no mask token' };
}

/** Loss and success of every row. */
async function answer(
  { session, head, inputs }: Run,
  { feeds, targets }: Pick<Questions, 'feeds' | 'targets'>,
): Promise<{ loss: Float32Array; correct: Uint8Array }> {
  const answers: NdArray = { type: 'int64', dims: [targets.length, 1], data: targets };
  const results = await session.run({
    feeds: { ...feedsFor(inputs, feeds), [head.targets]: answers },
    fetch: [head.loss, head.correct],
  });
  const loss = results[head.loss]!.data as Float32Array;
  return { loss, correct: results[head.correct]!.data as Uint8Array };
}
