import { basename } from 'node:path';
import { UserError } from '../errors.js';
import { fromOnnx } from '../graph/from-onnx.js';
import type { Model } from '../graph/model.js';
import { type OpenedModel, openModel } from '../onnx/skeleton.js';
import type { Plugin } from '../plugin.js';
import { mapByHand } from '../sites/by-hand.js';
import { findSites } from '../sites/find.js';
import { selectSites } from '../sites/select.js';
import type { Miss, Site } from '../sites/types.js';
import { loadPlugins } from './registry.js';

export interface LoadOptions {
  model: string;
  plugins?: string[];
  map?: Record<string, string>;
  sites?: string[];
  layers?: number[];
}

/** A graph with its sites: made anew for every overlay, since overlays change it. */
export interface SelectedModel {
  model: Model;
  sites: Site[];
  misses: Miss[];
  plugin: Plugin | null;
  /** Folder that holds the model's files, without symbolic links. */
  folder: string;
  /** File name, for messages. */
  name: string;
}

/** Opens a model and finds its sites; `load` gives a fresh copy of the graph each time. */
export async function openForAudit(
  options: LoadOptions,
): Promise<{ opened: OpenedModel; load: () => SelectedModel }> {
  const opened = openModel(options.model);
  const plugins = await loadPlugins(options.plugins);
  const load = (): SelectedModel => {
    const model = fromOnnx(opened.proto);
    const plugin = plugins.find((candidate) => candidate.matches(model)) ?? null;
    const found = findSites(model.graph, plugin?.arrange?.bind(plugin));
    const all = mapByHand(model.graph, found.sites, options.map ?? {});
    const sites = selectSites(all, options.sites, options.layers);
    return { model, sites, misses: found.misses, plugin, folder: opened.folder, name: basename(opened.path) };
  };
  return { opened, load };
}

/** @throws UserError that says what came nearest, when a model has no sites. */
export function requireSites({ sites, misses, name }: SelectedModel): void {
  if (sites.length > 0) return;
  const nearest = misses[0] ? ` Nearest miss: ${misses[0].reason}.` : '';
  throw new UserError(
    `No MLP activation and no attention output was found in \`${name}\`, so there is nothing to audit.${nearest} ` +
      `\`audit inspect ${name} --explain\` lists all near misses; \`--map ID=TENSOR\` names a site by hand.`,
    'no-sites',
  );
}
