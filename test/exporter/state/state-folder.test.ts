import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openStateFolder } from '../../../src/exporter/state/state-folder.js';
import { temporaryFolder, until } from '../metrics/services.js';

describe('the state folder', () => {
  it('is made, and loses the temporary files of servers that were killed', async () => {
    const folder = join(temporaryFolder(), 'state');
    for (const part of ['reports/m', 'index/m', 'totals', 'requests']) {
      mkdirSync(join(folder, part), { recursive: true });
      writeFileSync(join(folder, part, '.x.json.123-0a1b2c3d.tmp'), 'half');
      writeFileSync(join(folder, part, 'x.json'), '{}');
    }
    const state = await openStateFolder(folder);
    const files = readdirSync(folder, { recursive: true }).map(String);
    expect(files.filter((file) => file.endsWith('.tmp'))).toEqual([]);
    expect(files.filter((file) => file.endsWith('x.json'))).toHaveLength(4);
    expect(state.problem()).toBeNull();
    state.close();
    expect(existsSync(join(folder, 'lock.json'))).toBe(false);
  });

  it('that cannot be made is told in one sentence', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(openStateFolder(join(file, 'state'))).rejects.toThrow(
      /^The state folder `.*file\/state` cannot be written: a part of the path is a file, not a folder\.$/,
    );
    await expect(openStateFolder(file)).rejects.toThrow(/^The state folder `.*file` cannot be written: /);
  });

  it('names a write that the file system refuses, until writing works again', async () => {
    const folder = join(temporaryFolder(), 'state');
    const state = await openStateFolder(folder);
    expect(() => state.write(() => writeFileSync('/dev/full', 'x'))).toThrow(
      expect.objectContaining({
        code: 'state-unwritable',
        message: expect.stringMatching(/no space is left/),
      }),
    );
    expect(state.problem()).toMatch(
      /^The state folder .*cannot be written: no space is left on the device\.$/,
    );
    await until(() => state.problem() === null, 'a heartbeat', 10);
    expect(() => state.write(() => JSON.parse('{'))).toThrow(SyntaxError);
    expect(state.problem()).toBeNull();
    state.close();
  });

  it('that goes away while the server runs is a problem until it is back', async () => {
    const folder = join(temporaryFolder(), 'state');
    const state = await openStateFolder(folder);
    renameSync(folder, `${folder}.away`);
    await until(() => state.problem() !== null, 'the problem to be seen', 10);
    expect(state.problem()).toMatch(/cannot be written: no such file or folder/);
    renameSync(`${folder}.away`, folder);
    await until(() => state.problem() === null, 'the problem to end', 10);
    state.close();
    rmSync(folder, { recursive: true });
  });
});
