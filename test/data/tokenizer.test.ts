import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { afterEach, describe, expect, it } from 'vitest';
import type { Warning } from '../../src/data/spec.js';
import { makeEncoder } from '../../src/data/tokens/encoder.js';
import { findTokenizer } from '../../src/data/tokens/find.js';
import { fakeHub, hubAt } from './hub-server.js';
import { hasSharedData, newFolder, sharedData } from './support.js';

const nowhere = 'http://127.0.0.1:1';

async function tokenizerIn(folder: string) {
  const json = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
  const config = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'));
  return { tokenizer: new Tokenizer(json, config), config };
}

function find(
  some: { tokenizer?: string; modelPath: string; vocabulary?: number },
  hub: Awaited<ReturnType<typeof hubAt>>,
  warnings: Warning[] = [],
) {
  return findTokenizer({ vocabulary: null, ...some }, hub, warnings);
}

const awkward = ` = Title = \n  two  spaces\tand tab \n"quotes" isn't <|endoftext|> 12,345 µ ≥ 𝄞 日本語\n\n \n`;

describe('the quick way of byte-level tokenizers', () => {
  it.each([
    ['the shipped GPT-2', 'models/gpt2', true],
    ['the full GPT-2 (skipped without ../shared/data)', join(sharedData, 'gpt2-tokenizer'), hasSharedData],
  ])('gives the same ids as %s', async (_name, folder, here) => {
    if (!here) return;
    const { tokenizer, config } = await tokenizerIn(folder);
    const { encode } = makeEncoder(tokenizer, config, 'gpt2', null);
    const sample = await readFile('samples/text.txt', 'utf8');
    for (const line of `${sample}${awkward}`.match(/[^\n]*\n|[^\n]+/g) ?? []) {
      expect([...Array.from(encode(line))]).toEqual(
        tokenizer.encode(line, { add_special_tokens: false }).ids,
      );
    }
  });
});

describe('a tokenizer', () => {
  afterEach(() => {
    delete process.env.AUDIT_DATA_DIR;
  });

  it('beyond the vocabulary is refused with both numbers', async () => {
    const { tokenizer, config } = await tokenizerIn('models/gpt2');
    const rows = Math.max(...tokenizer.get_vocab(true).values()) + 1;
    const largest = Math.max(...tokenizer.get_vocab(false).values()).toLocaleString('en');
    expect(() => makeEncoder(tokenizer, config, 'gpt2', 100)).toThrow(
      `The tokenizer gpt2 gives ids up to ${largest}, but the model's vocabulary has 100 rows`,
    );
    expect(() => makeEncoder(tokenizer, config, 'gpt2', rows)).not.toThrow();
  });

  it('is found beside the model, in the folder above, or where it is named', async () => {
    const hub = await hubAt(nowhere);
    const folder = await newFolder();
    await mkdir(join(folder, 'onnx'));
    await cp('models/gpt2/tokenizer.json', join(folder, 'tokenizer.json'));
    const above = await find({ modelPath: join(folder, 'onnx', 'model.onnx') }, hub);
    expect(above.prefix).toEqual([]);
    expect(above.endOfText).not.toBeNull();
    await expect(find({ modelPath: join(folder, 'model.onnx') }, hub)).resolves.toBeDefined();
    const named = await find({ modelPath: '/nowhere/model.onnx', tokenizer: folder }, hub);
    expect(named.encode('Hello')).toEqual(above.encode('Hello'));
    await rm(join(folder, 'tokenizer.json'));
    await expect(find({ modelPath: '/nowhere/model.onnx', tokenizer: folder }, hub)).rejects.toMatchObject({
      code: 'tokenizer-missing',
    });
    await expect(find({ modelPath: '/nowhere/model.onnx', vocabulary: 77 }, hub)).rejects.toThrow(/77 rows/);
  });

  it('comes from the hub by its id, and again without a network', async () => {
    const json = await readFile('models/gpt2/tokenizer.json');
    const server = await fakeHub({ 'tokenizer.json': json });
    const hub = await hubAt(server.endpoint);
    const first = await find({ modelPath: '/nowhere/m.onnx', tokenizer: 'org/small' }, hub);
    expect(first.name).toBe('org/small');
    expect(server.log[0]?.request).toBe('HEAD /org/small/resolve/main/tokenizer.json');
    const offline = await find(
      { modelPath: '/nowhere/m.onnx', tokenizer: 'org/small' },
      { ...hub, endpoint: nowhere, offline: true },
    );
    expect(offline.encode('Hello')).toEqual(first.encode('Hello'));
  });

  it('is guessed from the vocabulary, and a warning says so', async () => {
    const json = await readFile('models/gpt2/tokenizer.json');
    const server = await fakeHub({ 'tokenizer.json': json });
    const warnings: Warning[] = [];
    const guess = { modelPath: '/nowhere/model.onnx', vocabulary: 50257 };
    const encoder = await find(guess, await hubAt(server.endpoint), warnings);
    expect(encoder.name).toBe('openai-community/gpt2');
    expect(warnings).toEqual([{ code: 'tokenizer-guessed', message: expect.stringContaining('50257 rows') }]);
    await expect(find(guess, await hubAt(nowhere))).rejects.toThrow(/--tokenizer/);
    const folder = await newFolder();
    await mkdir(join(folder, 'gpt2-tokenizer'));
    await writeFile(join(folder, 'gpt2-tokenizer', 'tokenizer.json'), json);
    process.env.AUDIT_DATA_DIR = folder;
    await expect(find(guess, await hubAt(nowhere))).resolves.toBeDefined();
  });

  it('that is no tokenizer is refused', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'tokenizer.json'), '{"model": 1}');
    const hub = await hubAt(nowhere);
    await expect(find({ modelPath: '/n/m.onnx', tokenizer: folder }, hub)).rejects.toMatchObject({
      code: 'tokenizer-unusable',
    });
    await writeFile(join(folder, 'tokenizer.json'), '{');
    await expect(find({ modelPath: '/n/m.onnx', tokenizer: folder }, hub)).rejects.toThrow(/not a JSON file/);
  });
});
