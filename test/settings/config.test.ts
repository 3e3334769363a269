import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configFileName, loadConfig } from '../../src/settings/config.js';

const home = process.cwd();
let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'audit-parents-')));
  mkdirSync(join(root, 'repository/packages/model'), { recursive: true });
});
afterEach(() => {
  process.chdir(home);
  rmSync(root, { recursive: true });
});

/** What is found from a folder, when the folders named here have a configuration file that says who it is. */
function foundFrom(folder: string, ...withConfig: string[]) {
  for (const each of withConfig) {
    const name = each === '' ? 'root' : each;
    writeFileSync(join(root, each, configFileName), JSON.stringify({ name, report: 'r.json' }));
  }
  process.chdir(join(root, folder));
  return loadConfig();
}

describe('a configuration file without --config', () => {
  it('is that of the current folder', () => {
    expect(foundFrom('repository', '', 'repository').name).toBe('repository');
  });

  it('is the nearest one above, within the repository', () => {
    mkdirSync(join(root, 'repository/.git'));
    expect(foundFrom('repository/packages/model', '', 'repository')).toEqual({
      name: 'repository',
      report: join(root, 'repository/r.json'),
    });
    expect(foundFrom('repository/packages/model', 'repository/packages').name).toBe('repository/packages');
  });

  it('is none above the root of the repository, or without a repository', () => {
    expect(foundFrom('repository/packages/model', '', 'repository/packages')).toEqual({});
    mkdirSync(join(root, 'repository/packages/.git'));
    rmSync(join(root, 'repository/packages', configFileName));
    expect(foundFrom('repository/packages/model', 'repository')).toEqual({});
  });
});
