import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Tokenizer } from '@huggingface/tokenizers';
import { UserError } from '../../errors.js';
import type { Hub } from '../hub/endpoint.js';
import { hubFile } from '../hub/files.js';
import type { DataSpec, Warning } from '../spec.js';
import { type Encoder, makeEncoder } from './encoder.js';

/** Tokenizers by the size of a model's vocabulary: the likely one. */
const usualTokenizers: Record<number, string> = {
  50257: 'openai-community/gpt2',
  50265: 'FacebookAI/roberta-base',
  50272: 'facebook/opt-125m',
  30522: 'google-bert/bert-base-uncased',
  28996: 'google-bert/bert-base-cased',
  32000: 'hf-internal-testing/llama-tokenizer',
  32128: 'google-t5/t5-small',
};

type FindSpec = Pick<
  DataSpec,
  'tokenizer' | 'modelPath' | 'vocabulary' | 'onStage' | 'onProgress' | 'signal'
>;

/**
 * Finds the tokenizer: the one of the setting, else tokenizer.json beside the model or in the folder above
 * (the hub's layout `onnx/model.onnx`), else the usual one for the size of the vocabulary, with a warning.
 *
 * @throws UserError when there is none, it cannot be read, or it does not fit the model.
 */
export async function findTokenizer(spec: FindSpec, hub: Hub, warnings: Warning[]): Promise<Encoder> {
  if (spec.tokenizer !== undefined) {
    const local = await localTokenizer(spec.tokenizer);
    if (local !== null) return load(local, spec);
    if (/^[./~]/.test(spec.tokenizer) || !/^[\w.-]+(\/[\w.-]+)?(@[\w./-]+)?$/.test(spec.tokenizer)) {
      throw new UserError(
        `Expected --tokenizer to be a folder with a tokenizer.json or a hub id, found no tokenizer.json at ${spec.tokenizer}.`,
        'tokenizer-missing',
      );
    }
    return load(await hubTokenizer(spec.tokenizer, hub, spec), spec, spec.tokenizer);
  }
  const folder = dirname(resolve(spec.modelPath));
  for (const place of [folder, dirname(folder)]) {
    const local = await localTokenizer(place);
    if (local !== null) return load(local, spec);
  }
  const guess = usualTokenizers[spec.vocabulary ?? -1];
  if (guess === undefined) throw noTokenizer(folder, spec.vocabulary);
  warnings.push({
    code: 'tokenizer-guessed',
    message: `No tokenizer.json lies beside the model; ${guess} was taken because the vocabulary has ${spec.vocabulary} rows. Name the right one with --tokenizer.`,
  });
  return load((await guessedLocal(guess)) ?? (await hubTokenizer(guess, hub, spec)), spec, guess);
}

function noTokenizer(folder: string, vocabulary: number | null): UserError {
  const rows = vocabulary === null ? 'of unknown size' : `of ${vocabulary.toLocaleString('en')} rows`;
  return new UserError(
    `Found no tokenizer.json in ${folder} or the folder above, and a vocabulary ${rows} does not tell which one the model has; name it with --tokenizer DIR or --tokenizer HUB-ID.`,
    'tokenizer-missing',
  );
}

/** Returns the path of the tokenizer.json in a folder, or the path itself if it is such a file. */
async function localTokenizer(path: string): Promise<string | null> {
  for (const candidate of [join(path, 'tokenizer.json'), path]) {
    const info = await stat(candidate).catch(() => null);
    if (info?.isFile()) return candidate;
  }
  return null;
}

/** Finds a copy in AUDIT_DATA_DIR, e.g. `gpt2-tokenizer/`. */
async function guessedLocal(id: string): Promise<string | null> {
  const root = process.env.AUDIT_DATA_DIR;
  if (!root) return null;
  const name = basename(id);
  for (const folder of [name, `${name}-tokenizer`, `${name.split('-')[0]}-tokenizer`]) {
    const local = await localTokenizer(join(root, folder));
    if (local?.endsWith('tokenizer.json')) return local;
  }
  return null;
}

async function hubTokenizer(id: string, hub: Hub, spec: FindSpec): Promise<string> {
  const [name = id, revision = 'main'] = id.split('@');
  const options = { onStage: spec.onStage, onProgress: spec.onProgress, signal: spec.signal };
  const file = { type: 'models' as const, id: name, revision };
  const advice = 'Put its tokenizer.json in a folder and name that with --tokenizer.';
  const path = await hubFile({ ...file, path: 'tokenizer.json' }, hub, { ...options, advice });
  // It only tells which token ends a text, and some repositories have none.
  await hubFile({ ...file, path: 'tokenizer_config.json' }, hub, { ...options, advice }).catch((error) => {
    const optional = ['hub-not-found', 'hub-offline', 'no-network'];
    if (!(error instanceof UserError && optional.includes(error.code))) throw error;
  });
  return path;
}

async function load(path: string, spec: FindSpec, name = basename(dirname(resolve(path)))): Promise<Encoder> {
  const json = await readJson(path);
  const config = await readJson(join(dirname(path), 'tokenizer_config.json')).catch(() => ({}));
  return makeEncoder(await construct(json, config, path), config, name, spec.vocabulary);
}

/**
 * Loads the library that transformers.js builds its tokenizers with. transformers.js itself would load a
 * runtime too.
 */
async function construct(
  json: Record<string, unknown>,
  config: Record<string, unknown>,
  path: string,
): Promise<Tokenizer> {
  try {
    const { Tokenizer } = await import('@huggingface/tokenizers');
    return new Tokenizer(json, config);
  } catch (cause) {
    throw new UserError(
      `${path} is not a tokenizer this tool can use (${(cause as Error).message}).`,
      'tokenizer-unusable',
      { cause },
    );
  }
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    throw new Error('it holds no object');
  } catch (cause) {
    throw new UserError(
      `${path} is not a JSON file of a tokenizer (${(cause as Error).message}).`,
      'tokenizer-unusable',
      {
        cause,
      },
    );
  }
}
