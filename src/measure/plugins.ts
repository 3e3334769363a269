import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { albert } from '../../plugins/albert.js';
import { bart } from '../../plugins/bart.js';
import { bert } from '../../plugins/bert.js';
import { bloom } from '../../plugins/bloom.js';
import { clip } from '../../plugins/clip.js';
import { convnext } from '../../plugins/convnext.js';
import { deberta } from '../../plugins/deberta.js';
import { distilbert } from '../../plugins/distilbert.js';
import { electra } from '../../plugins/electra.js';
import { gcn } from '../../plugins/gcn.js';
import { gptNeo } from '../../plugins/gpt-neo.js';
import { gptNeox } from '../../plugins/gpt-neox.js';
import { gpt2 } from '../../plugins/gpt2.js';
import { llama } from '../../plugins/llama.js';
import { opt } from '../../plugins/opt.js';
import { phi } from '../../plugins/phi.js';
import { roberta } from '../../plugins/roberta.js';
import { swin } from '../../plugins/swin.js';
import { t5 } from '../../plugins/t5.js';
import { vit } from '../../plugins/vit.js';
import { whisper } from '../../plugins/whisper.js';
import { UserError } from '../errors.js';
import type { Plugin } from '../plugin.js';

/** The more particular before those whose names they share. */
const builtIn: Plugin[] = [
  gptNeo,
  gptNeox,
  gpt2,
  whisper,
  opt,
  bloom,
  t5,
  bart,
  roberta,
  distilbert,
  albert,
  electra,
  deberta,
  bert,
  phi,
  llama,
  vit,
  clip,
  swin,
  convnext,
  gcn,
];

/**
 * Plugins of files or packages given by the user, then the built-in ones.
 *
 * @throws UserError for one that is none.
 */
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
