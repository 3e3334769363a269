import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ownerOf, ownerTag, removeStale, temporaryName } from '../../src/files/temporary.js';
import { newFolder } from './some-bytes.js';

const gone = spawnSync(process.execPath, ['-e', '']).pid;
/** The tag that another process of this machine would have. */
const tagOf = (pid: number): string =>
  ownerTag()
    .replace(`-${process.pid}-`, `-${pid}-`)
    .replace(/\w{8}(-\d+)$/, '0123abcd$1');
const foreign = (): string => ownerTag().replace(/^\w{8}/, '00000000');

describe('an owner tag', () => {
  it('says who owns the file', () => {
    expect(ownerOf(ownerTag())).toBe('self');
    expect(ownerOf(tagOf(process.ppid))).toBe('running');
    expect(ownerOf(tagOf(gone))).toBe('gone');
    expect(ownerOf(foreign())).toBe('foreign');
    expect(ownerOf('123-0123abcd')).toBe(null);
  });

  it('of an earlier process with the same id, as in a container, says that it is gone', () => {
    expect(ownerOf(tagOf(process.pid))).toBe('gone');
  });

  it('is new every time', () => {
    expect(temporaryName('a')).not.toBe(temporaryName('a'));
  });
});

describe('a temporary name', () => {
  it('lies beside the target and fits a file system however long the target is', () => {
    const target = join(newFolder(), 'ü'.repeat(120));
    const name = temporaryName(target);
    expect(dirname(name)).toBe(dirname(target));
    expect(Buffer.byteLength(basename(name))).toBeLessThan(256);
    writeFileSync(name, '');
  });
});

describe('removing stale files', () => {
  const fill = (): string => {
    const folder = newFolder();
    const names = [`.a.${tagOf(gone)}.tmp`, `.b.c.${tagOf(gone)}.tmp`, `.a.${ownerTag()}.tmp`];
    for (const name of [
      ...names,
      `.a.${tagOf(process.ppid)}.tmp`,
      `.a.${foreign()}.tmp`,
      '.a.tmp',
      'a.tmp',
    ]) {
      writeFileSync(join(folder, name), '');
    }
    return folder;
  };
  const leftOf = (folder: string): number => readdirSync(folder).length;

  it('removes those of one target whose process is gone', async () => {
    const folder = fill();
    await removeStale(folder, join(folder, 'a'));
    expect(leftOf(folder)).toBe(6);
  });

  it('removes all of a folder whose process is gone, folders included', async () => {
    const folder = fill();
    mkdirSync(join(folder, `.d.${tagOf(gone)}.tmp`, 'inside'), { recursive: true });
    await removeStale(folder);
    expect(leftOf(folder)).toBe(5);
  });

  it('removes those of another machine after a day', async () => {
    const folder = newFolder();
    const [old, fresh] = [foreign(), foreign()].map((tag) => join(folder, `.a.${tag}.tmp`));
    for (const path of [old!, fresh!]) writeFileSync(path, '');
    utimesSync(old!, 0, 0);
    await removeStale(folder);
    expect(readdirSync(folder)).toEqual([basename(fresh!)]);
  });

  it('does nothing in a folder that is not there', async () => {
    await removeStale(join(newFolder(), 'none'));
  });
});
