import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hubFromEnvironment } from '../../src/data/hub/endpoint.js';
import { fileLines } from '../../src/data/text/lines.js';
import { fileSource } from '../../src/data/text/source.js';
import { wikitext } from '../../src/data/text/wikitext.js';
import { parquet } from './parquet-writer.js';
import { collect, newFile, newFolder } from './support.js';

async function linesOf(path: string) {
  return (await collect((await fileSource(path)).lines())).flat();
}

describe('text sources', () => {
  it('give each line with its line end, with one kind of line end', async () => {
    expect(await linesOf(await newFile('a.txt', 'one\r\ntwo\n\nthree'))).toEqual([
      'one\n',
      'two\n',
      '\n',
      'three',
    ]);
  });

  it('read gzipped files the same way', async () => {
    const content = 'Über naïve\n'.repeat(20_000);
    const plain = await linesOf(await newFile('a.txt', content));
    expect(await linesOf(await newFile('a.tokens.gz', gzipSync(content)))).toEqual(plain);
    expect(plain.join('')).toBe(content);
  });

  it('cut lines too long for memory at a space, and lose nothing', async () => {
    const content = `${'word '.repeat(100_000)}\nlast ${'x'.repeat(200_000)}`;
    const lines = (await collect(fileLines(await newFile('a.txt', content)))).flat();
    expect(lines.join('')).toBe(content);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(65_537);
  });

  it('take the field "text" of a .jsonl, else the first string, and end documents', async () => {
    const records = [
      { id: 'a', text: 'one\ntwo' },
      { id: 7, body: 'three' },
    ].map((each) => JSON.stringify(each));
    expect(await linesOf(await newFile('a.jsonl', `${records[0]}\n\n${records[1]}`))).toEqual([
      'one\n',
      'two',
      null,
      'three',
      null,
    ]);
  });

  it('read the text column of a .parquet over several row groups', async () => {
    const path = await newFile('a.parquet', parquet([['one\n', 'two'], ['three']]));
    expect(await linesOf(path)).toEqual(['one\n', null, 'two', null, 'three', null]);
  });

  it.each([
    ['bad.jsonl', '{"text": "a"}\n{"text": \n', /Line 2 of .*bad\.jsonl is not JSON/],
    ['list.jsonl', '{"text": "a"}\n[1]\n', /Line 2 of .*list\.jsonl has no text/],
  ])('name the line of %s that is wrong', async (name, content, message) => {
    await expect(linesOf(await newFile(name, content))).rejects.toThrow(message);
  });

  it.each([
    ['empty.txt', '', /is empty/, 'data-empty'],
    ['blank.txt', '\n  \n', /holds no text/, 'data-no-text'],
    ['binary.txt', Buffer.from([1, 0, 2]), /is not text/, 'data-not-text'],
    ['cut.txt.gz', gzipSync('x'.repeat(100_000)).subarray(0, 60), /not a whole gzip/, 'data-truncated'],
    ['text.parquet', 'PAR1 and then nothing', /not a whole parquet/, 'data-truncated'],
    ['cut.parquet', Buffer.from(parquet([['one']]).subarray(0, 40)), /not a whole parquet/, 'data-truncated'],
  ])('refuse %s', async (name, content, message, code) => {
    const path = await newFile(name, content);
    await expect(fileSource(path)).rejects.toThrow(message);
    await expect(fileSource(path)).rejects.toMatchObject({ name: 'UserError', code });
  });

  it('refuse a missing file and a folder', async () => {
    await expect(fileSource('no/such.txt')).rejects.toThrow(/There is no file/);
    await expect(fileSource(await newFolder())).rejects.toThrow(/found the folder/);
  });
});

describe('wikitext in AUDIT_DATA_DIR', () => {
  it('prefers .raw to .tokens, also in a subfolder and gzipped, and reports which', async () => {
    const folder = await newFolder();
    const hub = hubFromEnvironment({ HF_HUB_OFFLINE: '1', AUDIT_CACHE_DIR: folder, HF_HOME: folder });
    await writeFile(join(folder, 'wiki.valid.tokens'), 'tokens\n');
    const tokens = await wikitext(2, { split: 'validation' }, hub, folder);
    expect(tokens).toMatchObject({ name: 'wikitext', variant: 'wiki.valid.tokens', split: 'valid' });
    await mkdir(join(folder, 'wikitext-2-raw'));
    await writeFile(join(folder, 'wikitext-2-raw', 'wiki.valid.raw.gz'), gzipSync('raw\n'));
    const raw = await wikitext(2, { split: 'valid' }, hub, folder);
    expect(raw.variant).toBe('wiki.valid.raw');
    expect((await collect(raw.lines())).flat()).toEqual(['raw\n']);
    await expect(wikitext(2, { split: 'test' }, hub, folder)).rejects.toThrow(
      /HF_HUB_OFFLINE.*AUDIT_DATA_DIR/,
    );
    await expect(wikitext(2, { split: 'dev' }, hub, folder)).rejects.toThrow(/test, valid or train/);
  });
});
