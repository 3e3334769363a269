import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bert } from '../../plugins/bert.js';
import { gcn } from '../../plugins/gcn.js';
import { gpt2 } from '../../plugins/gpt2.js';
import { UserError } from '../errors.js';
import type { Plugin } from '../plugin.js';

const builtIn: Plugin[] = [gpt2, bert, gcn];

/** Plugins of files or packages given by the user, then the built-in ones. @throws UserError for one that is none. */
export async function loadPlugins(files: readonly string[] = []): Promise<Plugin[]> {
  return [...(await Promise.all(files.map(loadPlugin))), ...builtIn];
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
