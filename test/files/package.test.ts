import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageFile, packageFolder, tool } from '../../src/files/package.js';

describe('the package', () => {
  it('is found by its package.json, which names the tool', () => {
    const { name, version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
    expect(tool).toEqual({ name, version });
  });

  it('has its own files, and says to install it again where one is missing', () => {
    expect(existsSync(packageFile('samples/text.txt'))).toBe(true);
    expect(() => packageFile('samples/none.txt')).toThrow(/own file `samples\/none\.txt`.*install .* again/);
  });
});
