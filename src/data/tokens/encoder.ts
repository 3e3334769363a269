import type { Tokenizer } from '@huggingface/tokenizers';
import { UserError } from '../../errors.js';

/** Tokenizer with what packing needs of it. */
export interface Encoder {
  /** Its origin: a folder's name or a hub id. */
  name: string;
  /**
   * Ids that start and end every block, from the tokenizer's template: [CLS] and [SEP], or a BOS, or none.
   */
  prefix: number[];
  suffix: number[];
  /** Id that stands between documents; `null` when the tokenizer has none. */
  endOfText: number | null;
  /** Id that fills masked positions. */
  pad: number;
  /** Id of a token to be guessed ([MASK]); absent when the tokenizer has none. */
  mask?: number;
  /** Returns the ids of one line, without special tokens. */
  encode(line: string): ArrayLike<number>;
}

/** Number of words that are kept with their ids, at about 100 bytes each. */
const longestMemory = 200_000;

/**
 * Wraps a tokenizer. Its special tokens are found by encoding, so any kind of template works.
 *
 * @param vocabulary Rows of the model's embedding, if known.
 * @throws UserError when the tokenizer's ids go beyond the model's vocabulary, now or on the line where one
 *   does.
 */
export function makeEncoder(
  tokenizer: Tokenizer,
  config: Record<string, unknown>,
  name: string,
  vocabulary: number | null,
): Encoder {
  const limit = vocabulary ?? Number.POSITIVE_INFINITY;
  let largest = -1;
  for (const id of tokenizer.get_vocab(false).values()) largest = Math.max(largest, id);
  if (largest >= limit) throw tooLarge(name, largest, limit);
  const encode = rememberWords(tokenizer, (line) => {
    const { ids } = tokenizer.encode(line, { add_special_tokens: false });
    for (const id of ids) if (id >= limit) throw tooLarge(name, id, limit);
    return ids;
  });
  const special = (key: string) => specialToken(tokenizer, config[key]);
  const endOfText = special('eos_token') ?? firstKnown(tokenizer, ['<|endoftext|>', '</s>', '<eos>']);
  const usable = endOfText !== null && endOfText < limit;
  const pad = special('pad_token') ?? endOfText ?? 0;
  const mask = special('mask_token') ?? firstKnown(tokenizer, ['[MASK]', '<mask>']);
  return {
    name,
    ...template(tokenizer),
    endOfText: usable ? endOfText : null,
    pad: pad < limit ? pad : 0,
    ...(mask !== null && mask < limit ? { mask } : {}),
    encode,
  };
}

/** Returns the ids that the tokenizer puts around a text. */
function template(tokenizer: Tokenizer): { prefix: number[]; suffix: number[] } {
  const plain: number[] = tokenizer.encode('a', { add_special_tokens: false }).ids;
  const ids: number[] = tokenizer.encode('a', { add_special_tokens: true }).ids;
  for (let at = 0; at + plain.length <= ids.length; at++) {
    if (plain.every((id, index) => ids[at + index] === id)) {
      return { prefix: ids.slice(0, at), suffix: ids.slice(at + plain.length) };
    }
  }
  return { prefix: [], suffix: [] };
}

/**
 * Encodes by words where that gives the same ids: byte-level BPE without a normalizer (GPT-2, RoBERTa)
 * encodes each word alone as in its line. So the words of the pre-tokenizer are looked up in a table, which
 * is several times as fast. Lines with added tokens, and every other kind of tokenizer, are encoded whole.
 */
function rememberWords(tokenizer: Tokenizer, encode: (text: string) => number[]): Encoder['encode'] {
  const pre = tokenizer.pre_tokenizer as { config?: { type?: string }; pattern?: RegExp } & {
    add_prefix_space?: boolean;
    use_regex?: boolean;
  };
  const simple =
    tokenizer.normalizer === null &&
    pre?.config?.type === 'ByteLevel' &&
    pre.pattern instanceof RegExp &&
    pre.use_regex !== false &&
    pre.add_prefix_space !== true;
  if (!simple) return encode;
  const pattern = pre.pattern as RegExp;
  const added = [...tokenizer.get_added_tokens_decoder().values()].map((token) => token.content);
  const words = new Map<string, number[]>();
  return (line) => {
    if (added.some((content) => line.includes(content))) return encode(line);
    const ids: number[] = [];
    for (const word of line.match(pattern) ?? []) {
      let known = words.get(word);
      if (known === undefined) {
        known = encode(word);
        if (words.size >= longestMemory) words.clear();
        words.set(word, known);
      }
      for (const id of known) ids.push(id);
    }
    return ids;
  };
}

function specialToken(tokenizer: Tokenizer, token: unknown): number | null {
  const content =
    typeof token === 'object' && token !== null ? (token as { content?: unknown }).content : token;
  return typeof content === 'string' ? (tokenizer.token_to_id(content) ?? null) : null;
}

function firstKnown(tokenizer: Tokenizer, contents: string[]): number | null {
  const added = new Map<string, number>();
  for (const [id, token] of tokenizer.get_added_tokens_decoder()) added.set(token.content, id);
  for (const content of contents) {
    const id = added.get(content);
    if (id !== undefined) return id;
  }
  return null;
}

function tooLarge(name: string, id: number, limit: number): UserError {
  return new UserError(
    `The tokenizer ${name} gives ids up to ${id.toLocaleString('en')}, but the model's vocabulary has ` +
      `${limit.toLocaleString('en')} rows: it is another model's tokenizer; name the right one with --tokenizer.`,
    'tokenizer-too-large',
  );
}
