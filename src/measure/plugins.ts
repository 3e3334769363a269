import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { architectures } from '../../plugins/architectures.js';
import { UserError } from '../errors.js';
import type { Plugin } from '../plugin.js';

/**
 * Returns the plugins of these files, then the built-in ones.
 *
 * @throws UserError for a file that is no plugin.
 */
export async function loadPlugins(files: readonly string[] = []): Promise<Plugin[]> {
  return [...(await Promise.all(files.map(loadPlugin))), ...architectures];
}

async function loadPlugin(file: string): Promise<Plugin> {
  let loaded: { default?: unknown };
  try {
    loaded = await import(pathToFileURL(resolve(file)).href);
  } catch (cause) {
    throw new UserError(`Plugin \`${file}\` cannot be loaded: ${(cause as Error).message}`, 'plugin-load', {
      cause,
    });
  }
  const plugin = loaded.default as Partial<Plugin> | undefined;
  if (typeof plugin?.name !== 'string' || typeof plugin.matches !== 'function') {
    throw new UserError(
      `Expected the default export of plugin \`${file}\` to be an object with \`name\` and \`matches(model)\`, ` +
        `found ${plugin === undefined ? 'no default export' : typeof plugin}; see plugins/_template.ts`,
      'plugin-shape',
    );
  }
  return plugin as Plugin;
}
