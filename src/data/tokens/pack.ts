import { setImmediate as pause } from 'node:timers/promises';
import { END_OF_DOCUMENT, type LineChunks } from '../text/document.js';
import type { Encoder } from './encoder.js';

/**
 * Encodes text line by line, each line with its line end, as the usual data sets do. So the ids do not depend
 * on the chunks in which the file is read. Blank lines give nothing. The end-of-text id stands between
 * documents, not after the last. The event loop gets a turn every few milliseconds.
 */
export async function* textIds(
  lines: LineChunks,
  encoder: Pick<Encoder, 'encode' | 'endOfText'>,
): AsyncGenerator<ArrayLike<number>> {
  let between = false;
  let rested = performance.now();
  for await (const chunk of lines) {
    for (const line of chunk) {
      if (line === END_OF_DOCUMENT) {
        between = true;
      } else if (line.trim() !== '') {
        if (between && encoder.endOfText !== null) yield [encoder.endOfText];
        between = false;
        yield encoder.encode(line);
        if (performance.now() - rested > 8) {
          await pause();
          rested = performance.now();
        }
      }
    }
  }
}

/**
 * Packs ids into blocks of `seqLen`: prefix, ids, suffix, nothing wasted on padding. Every id is in exactly
 * one block, in order; only the last block may be shorter.
 *
 * @param limit Blocks at most.
 * @returns Blocks of shape [seqLen], the last one maybe shorter.
 */
export async function* packBlocks(
  ids: AsyncIterable<ArrayLike<number>>,
  seqLen: number,
  encoder: Pick<Encoder, 'prefix' | 'suffix'>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Int32Array> {
  const { prefix, suffix } = encoder;
  const end = seqLen - suffix.length;
  let block = new Int32Array(seqLen);
  block.set(prefix);
  let filled = prefix.length;
  let made = 0;
  if (made >= limit) return;
  for await (const some of ids) {
    for (let index = 0; index < some.length; index++) {
      block[filled++] = some[index]!;
      if (filled < end) continue;
      block.set(suffix, end);
      yield block;
      made += 1;
      if (made >= limit) return;
      block = new Int32Array(seqLen);
      block.set(prefix);
      filled = prefix.length;
    }
  }
  if (filled === prefix.length) return;
  block.set(suffix, filled);
  yield block.slice(0, filled + suffix.length);
}
