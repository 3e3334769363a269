import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AutoTokenizer } from '@huggingface/transformers';
import { describe, expect, test } from 'vitest';
import { hubFromEnvironment } from '../../src/data/hub/endpoint.js';
import { findTokenizer } from '../../src/data/tokens/find.js';

const lines = readFileSync('samples/text.txt', 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '');

describe('token ids are those of @huggingface/transformers', () => {
  test.each(['models/gpt2', 'models/bert'])(
    'with the tokenizer of %s, on every line of the sample text',
    async (folder) => {
      const spec = { tokenizer: folder, modelPath: `${folder}/model.onnx`, vocabulary: null };
      const ours = await findTokenizer(spec, hubFromEnvironment({}), []);
      const theirs = await AutoTokenizer.from_pretrained(resolve(folder), { local_files_only: true });
      for (const line of lines) {
        const expected = theirs.encode(line, { add_special_tokens: false });
        expect(Array.from(ours.encode(line)), line).toEqual(expected);
      }
    },
  );
});
