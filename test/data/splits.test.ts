import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hubFromEnvironment } from '../../src/data/hub/endpoint.js';
import { readImages } from '../../src/data/images/files.js';
import { wikitext } from '../../src/data/text/wikitext.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-splits-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'test_batch.bin'), Buffer.alloc(3073));

// Every object has these, though nobody put them there.
describe.each(['__proto__', 'constructor', 'toString', 'tset'])('the split %s', (split) => {
  it('is none of WikiText', async () => {
    await expect(wikitext(2, { split }, hubFromEnvironment(), folder)).rejects.toThrow(
      `Expected \`split\` to be test, valid or train for WikiText, got \`${split}\`.`,
    );
  });

  it('is none of images', async () => {
    await expect(readImages(folder, split)).rejects.toThrow(
      'Expected `split` to be test or train for images',
    );
  });
});
