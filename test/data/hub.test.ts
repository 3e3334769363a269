import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hubFromEnvironment } from '../../src/data/hub/endpoint.js';
import { hubFile } from '../../src/data/hub/files.js';
import { wikitext } from '../../src/data/text/wikitext.js';
import { commit, fakeHub, fakeProxy, hubAt } from './hub-server.js';
import { parquet } from './parquet-writer.js';
import { collect, newFolder } from './support.js';

const path = 'wikitext-2-raw-v1/test-00000-of-00001.parquet';
const rows = [' = Title = \n', '', ...Array.from({ length: 5000 }, (_, row) => ` Paragraph ${row} . \n`)];
const content = Buffer.from(parquet([rows]));
const file = { type: 'datasets' as const, id: 'Salesforce/wikitext', revision: commit, path };
const options = { advice: 'Set AUDIT_DATA_DIR.', sha256Only: true };

/** Not `toEqual`, which compares byte by byte. */
async function expectContent(path: string): Promise<void> {
  expect(content.equals(await readFile(path))).toBe(true);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function leftovers(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.incomplete'));
}

describe('a file of the hub', () => {
  it('is downloaded once, checked, and then comes from the cache', async () => {
    const server = await fakeHub({ [path]: content });
    const hub = await hubAt(server.endpoint);
    const progress: number[] = [];
    const stages: string[] = [];
    const got = await hubFile(file, hub, {
      ...options,
      onStage: (stage) => stages.push(stage),
      onProgress: ({ bytes, totalBytes }) => progress.push(bytes / totalBytes),
    });
    await expectContent(got);
    expect(got).toBe(join(hub.cacheDir, 'hub/datasets/Salesforce/wikitext', commit, path));
    expect(progress.at(-1)).toBe(1);
    expect(stages).toEqual([expect.stringMatching(/^downloading .*test-00000.*\(0\.\d MB\) from 127/)]);
    const requests = server.log.length;
    expect(await hubFile(file, { ...hub, offline: true }, options)).toBe(got);
    expect(server.log.length).toBe(requests);
    expect(await leftovers(hub.cacheDir)).toEqual([]);
  });

  it('is continued where the connection broke', async () => {
    const server = await fakeHub({ [path]: content });
    server.breaks = 2;
    const hub = await hubAt(server.endpoint);
    await expectContent(await hubFile(file, hub, options));
    const gets = server.log.filter(({ request }) => request.startsWith('GET storage'));
    expect(gets.map(({ range }) => range)).toEqual([
      null,
      `bytes=${content.length >> 1}-`,
      expect.stringMatching(/^bytes=\d+-$/),
    ]);
    expect(gets[1]?.ifRange).toBe('"content-1"');
  });

  it('is continued by a later process', async () => {
    const server = await fakeHub({ [path]: content });
    server.breaks = 1;
    // The next request finds nothing, which ends this run with half a file left behind.
    server.onBreak = () => {
      server.busy = { status: 404, times: 1 };
    };
    const hub = await hubAt(server.endpoint);
    await expect(hubFile(file, hub, options)).rejects.toMatchObject({ code: 'hub-not-found' });
    expect(await leftovers(hub.cacheDir)).toHaveLength(1);
    await expectContent(await hubFile(file, hub, options));
    expect(server.log.at(-1)?.range).toBe(`bytes=${content.length >> 1}-`);
    expect(await leftovers(hub.cacheDir)).toEqual([]);
  });

  it('starts again where the server ignores Range', async () => {
    const server = await fakeHub({ [path]: content });
    server.breaks = 1;
    server.ignoresRange = true;
    const hub = await hubAt(server.endpoint);
    await expectContent(await hubFile(file, hub, options));
  });

  it('is deleted and refused when it is not what was announced', async () => {
    const server = await fakeHub({ [path]: content });
    server.lies = true;
    const hub = await hubAt(server.endpoint);
    await expect(hubFile(file, hub, options)).rejects.toThrow(/sent other content .* than it announced/);
    await expect(hubFile(file, hub, options)).rejects.toMatchObject({
      name: 'UserError',
      code: 'hub-mismatch',
    });
    expect((await readdir(hub.cacheDir, { recursive: true })).filter((name) => /parquet/.test(name))).toEqual(
      [],
    );
    server.lies = false;
    await expectContent(await hubFile(file, hub, options));
  });

  it('is fetched anew when what an earlier try left is wrong', async () => {
    const server = await fakeHub({ [path]: content });
    server.breaks = 1;
    server.onBreak = () => {
      server.busy = { status: 404, times: 1 };
    };
    const hub = await hubAt(server.endpoint);
    await expect(hubFile(file, hub, options)).rejects.toMatchObject({ code: 'hub-not-found' });
    const [partial] = await leftovers(hub.cacheDir);
    const bytes = await readFile(join(hub.cacheDir, partial!));
    bytes[10]! ^= 1;
    await writeFile(join(hub.cacheDir, partial!), bytes);
    await expectContent(await hubFile(file, hub, options));
  });

  it('survives a busy server', async () => {
    const server = await fakeHub({ [path]: content });
    server.busy.times = 2;
    const hub = await hubAt(server.endpoint);
    await expectContent(await hubFile(file, hub, options));
  });

  it('is whole for each of several who fetch it at once', async () => {
    const server = await fakeHub({ [path]: content });
    server.breaks = 2;
    const hub = await hubAt(server.endpoint);
    const paths = await Promise.all([1, 2, 3].map(() => hubFile(file, hub, options)));
    for (const each of paths) await expectContent(each);
    expect(await leftovers(hub.cacheDir)).toEqual([]);
  });

  it('is whole for several processes at once, one of which is killed', async () => {
    const server = await fakeHub({ [path]: content });
    server.drips = true;
    const folder = await newFolder();
    const fetchIt = () => {
      const modules = new URL('../../dist/src/data/hub/', import.meta.url);
      const code = `const { hubFile } = await import('${new URL('files.js', modules)}');
        const { hubFromEnvironment } = await import('${new URL('endpoint.js', modules)}');
        await hubFile(${JSON.stringify(file)}, hubFromEnvironment(), ${JSON.stringify(options)});`;
      const env = {
        PATH: process.env.PATH,
        HF_ENDPOINT: server.endpoint,
        HF_HOME: folder,
        AUDIT_CACHE_DIR: folder,
      };
      return spawn(process.execPath, ['--input-type=module', '-e', code], { env, stdio: 'inherit' });
    };
    const killed = fetchIt();
    await until(async () => (await leftovers(folder)).length === 1);
    const others = [fetchIt(), fetchIt()];
    await until(async () => (await leftovers(folder)).length === 3);
    killed.kill('SIGKILL');
    server.drips = false;
    const codes = await Promise.all(
      others.map((child) => new Promise((resolve) => child.on('exit', resolve))),
    );
    expect(codes).toEqual([0, 0]);
    await expectContent(join(folder, 'hub/datasets/Salesforce/wikitext', commit, path));
    expect(await leftovers(folder)).toHaveLength(1);
  });

  it('leaves alone what a living process is writing', async () => {
    const server = await fakeHub({ [path]: content });
    const hub = await hubAt(server.endpoint);
    const target = await hubFile(file, hub, options);
    const partial = await import('../../src/data/hub/partial.js');
    const claimed = await partial.claimPartial(target, 'abc');
    await writeFile(claimed.path, 'half');
    const second = await partial.claimPartial(target, 'abc');
    expect(await readFile(claimed.path, 'utf8')).toBe('half');
    claimed.release();
    const third = await partial.claimPartial(target, 'abc');
    expect(await readFile(third.path, 'utf8')).toBe('half');
    second.release();
    third.release();
  });

  it('is asked for with the token, which the other host never sees', async () => {
    const server = await fakeHub({ [path]: content });
    const hub = await hubAt(server.endpoint, { HF_TOKEN: 'secret' });
    await hubFile(file, hub, options);
    for (const { request, authorized } of server.log) expect(authorized).toBe(!request.includes('storage'));
  });

  it('goes through a proxy, unless NO_PROXY names the host', async () => {
    const server = await fakeHub({ [path]: content });
    const proxy = await fakeProxy();
    const through = await hubAt(server.endpoint, { HTTP_PROXY: proxy.url });
    await expectContent(await hubFile(file, through, options));
    expect(proxy.seen).toHaveLength(server.log.length);
    expect(proxy.seen[0]).toContain(`${server.endpoint}/datasets/Salesforce/wikitext/resolve/${commit}`);
    const seen = proxy.seen.length;
    const around = await hubAt(server.endpoint, { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' });
    await hubFile(file, around, options);
    expect(proxy.seen).toHaveLength(seen);
  });

  it('is not taken without a checksum', async () => {
    const server = await fakeHub({ [path]: content });
    server.silent = true;
    await expect(hubFile(file, await hubAt(server.endpoint), options)).rejects.toThrow(
      /announces no SHA-256/,
    );
  });

  it('is found where the Hugging Face libraries keep it', async () => {
    const hub = await hubAt('http://127.0.0.1:1');
    const folder = join(hub.sharedCacheDir, 'datasets--Salesforce--wikitext/snapshots', commit, path);
    await mkdir(dirname(folder), { recursive: true });
    await writeFile(folder, content);
    expect(await hubFile(file, hub, options)).toBe(folder);
  });

  it('without a network ends with what to do instead', async () => {
    const hub = await hubAt('http://127.0.0.1:1');
    await expect(hubFile(file, hub, options)).rejects.toThrow(/ECONNREFUSED.*AUDIT_DATA_DIR/);
    await expect(hubFile(file, hub, options)).rejects.toMatchObject({
      name: 'UserError',
      code: 'no-network',
    });
  });

  it('stops when interrupted', async () => {
    const server = await fakeHub({ [path]: content });
    server.busy.times = 1000;
    const hub = { ...(await hubAt(server.endpoint)), retryDelayMs: 60_000 };
    server.busy.status = 500;
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const started = performance.now();
    await expect(hubFile(file, hub, { ...options, signal: controller.signal })).rejects.toMatchObject({
      name: 'Interrupted',
    });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('wikitext from the hub', () => {
  it('reports the variant and gives the rows as lines', async () => {
    const server = await fakeHub({ [path]: content });
    const source = await wikitext(2, {}, await hubAt(server.endpoint), undefined);
    expect(source).toMatchObject({ name: 'wikitext', variant: 'wikitext-2-raw-v1', split: 'test' });
    expect((await collect(source.lines())).flat()).toEqual(rows);
    expect(server.log[0]?.request).toBe(`HEAD /datasets/Salesforce/wikitext/resolve/${commit}/${path}`);
  });

  it('reads WikiText-103 train from both its files', async () => {
    const name = (part: number) => `wikitext-103-raw-v1/train-0000${part}-of-00002.parquet`;
    const server = await fakeHub({
      [name(0)]: Buffer.from(parquet([['one\n']])),
      [name(1)]: Buffer.from(parquet([['two\n'], ['three\n']])),
    });
    const source = await wikitext(103, { split: 'train' }, await hubAt(server.endpoint), undefined);
    expect((await collect(source.lines())).flat()).toEqual(['one\n', 'two\n', 'three\n']);
  });
});

describe('the environment', () => {
  it('says where the cache is', async () => {
    const folder = await newFolder();
    const cacheDir = (env: NodeJS.ProcessEnv) => hubFromEnvironment(env).cacheDir;
    expect(cacheDir({ AUDIT_CACHE_DIR: folder, HF_HOME: '/h', XDG_CACHE_HOME: '/x' })).toBe(folder);
    expect(cacheDir({ HF_HOME: '/h', XDG_CACHE_HOME: '/x' })).toBe('/h/activation-auditor');
    expect(cacheDir({ XDG_CACHE_HOME: '/x' })).toBe('/x/activation-auditor');
    expect(hubFromEnvironment({}).endpoint).toBe('https://huggingface.co');
  });
});
