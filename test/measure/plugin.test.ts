import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { audit } from '../cli/audit.js';

/** A project that has the auditor and a plugin package of a third party in its node_modules. */
function project(plugin: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'audit-plugin-'));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'audit-plugin-mine'), { recursive: true });
  symlinkSync(resolve('.'), join(modules, 'activation-auditor'));
  writeFileSync(
    join(modules, 'audit-plugin-mine/package.json'),
    JSON.stringify({ name: 'audit-plugin-mine', version: '1.0.0', type: 'module', main: 'index.js' }),
  );
  writeFileSync(join(modules, 'audit-plugin-mine/index.js'), plugin);
  return folder;
}

const model = resolve('models/variants/gpt2-ts17.onnx');
const inspect = (cwd: string, ...more: string[]) =>
  audit(['inspect', model, '--plugin', 'node_modules/audit-plugin-mine/index.js', ...more], { cwd });

describe('a plugin in a package of its own', () => {
  test('names the architecture and numbers the layers', async () => {
    const cwd = project(`
      import { arrange, hasName } from 'activation-auditor/plugin';
      export default {
        name: 'my-gpt',
        matches: (model) => hasName(model, /\\bh\\.0\\b/),
        arrange: (units) => arrange(units).map((place) => ({ ...place, stack: 'mine', layer: place.layer + 10 })),
      };
    `);
    const { stdout, exitCode, stderr } = await inspect(cwd, '--json');
    expect(exitCode, stderr).toBe(0);
    const { model: described, sites } = JSON.parse(stdout) as {
      model: { architecture: string };
      sites: { id: string }[];
    };
    expect(described.architecture).toBe('my-gpt');
    expect(sites.map(({ id }) => id).slice(0, 3)).toEqual([
      'mine.10.attn_out',
      'mine.10.mlp_pre',
      'mine.10.mlp_post',
    ]);
  });

  test('is taken from audit.config.json too', async () => {
    const cwd = project(`export default { name: 'configured', matches: () => true };`);
    writeFileSync(
      join(cwd, 'audit.config.json'),
      JSON.stringify({ plugin: ['node_modules/audit-plugin-mine/index.js'] }),
    );
    const { stdout } = await audit(['inspect', model, '--json'], { cwd });
    expect(JSON.parse(stdout).model.architecture).toBe('configured');
  });

  test.each([
    [
      'throws',
      `export default { name: 'broken', matches: () => { throw new Error('no idea'); } };`,
      /Plugin `broken` failed: no idea/,
    ],
    ['has no default export', 'export const plugin = 1;', /found no default export/],
    ['cannot be loaded', 'this is no JavaScript', /cannot be loaded/],
  ])('that %s is told of in a sentence', async (_what, source, says) => {
    const { exitCode, stderr } = await inspect(project(source));
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(exitCode).toBe(2);
  });
});
