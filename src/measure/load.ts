import { basename } from 'node:path';
import { modelConfig } from '../data/model-config.js';
import { UserError } from '../errors.js';
import { refusePending } from '../files/journal.js';
import { fromOnnx } from '../graph/from-onnx.js';
import { inlineFunctions } from '../graph/inline-functions.js';
import type { Model } from '../graph/model.js';
import { resolveIf } from '../graph/resolve-if.js';
import { type OpenedModel, openModel } from '../onnx/skeleton.js';
import type { Plugin } from '../plugin.js';
import { auditSettings } from '../settings/audit-settings.js';
import { checkSettings } from '../settings/settings.js';
import { mapByHand } from '../sites/by-hand.js';
import { findSites } from '../sites/find.js';
import { type RectifierResult, rectifierNetwork } from '../sites/rectifier.js';
import { selectSites } from '../sites/select.js';
import type { Miss, Site } from '../sites/types.js';
import { loadPlugins } from './plugins.js';

export interface LoadOptions {
  model: string;
  plugin?: string[];
  map?: Record<string, string>;
  sites?: string[];
  layers?: number[];
}

/** A graph with its sites: made anew for every overlay, since overlays change it. */
export interface SelectedModel {
  model: Model;
  sites: Site[];
  /** Also those that are not selected. */
  all: Site[];
  misses: Miss[];
  /** The rectifier network that the model is, whatever sites are selected, or why it is none. */
  rectifier: RectifierResult;
  plugin: Plugin | null;
  /** `model_type` of a config.json beside the model, else the plugin's name. */
  architecture: string | null;
  /** Folder that holds the model's files, without symbolic links. */
  folder: string;
  /** File name, for messages. */
  name: string;
}

/** Opens a model and finds its sites; `load` gives a fresh copy of the graph each time. */
export async function openForAudit(
  options: LoadOptions,
): Promise<{ opened: OpenedModel; load: () => SelectedModel }> {
  checkSettings(auditSettings, options);
  refusePending(options.model);
  const opened = openModel(options.model);
  const plugins = await loadPlugins(options.plugin);
  const { model_type: modelType } = await modelConfig(options.model);
  const normal = resolveIf(inlineFunctions(opened.proto));
  const load = (): SelectedModel => {
    const model = fromOnnx(normal);
    const plugin = plugins.find((candidate) => asked(candidate, () => candidate.matches(model))) ?? null;
    const found = findSites(
      model.graph,
      plugin?.arrange && ((units) => asked(plugin, () => plugin.arrange!(units))),
    );
    const all = mapByHand(model.graph, found.sites, options.map ?? {});
    const sites = selectSites(all, options.sites, options.layers);
    const rectifier = rectifierNetwork(model.graph, found);
    const { misses } = found;
    const architecture = typeof modelType === 'string' ? modelType : (plugin?.name ?? null);
    const name = basename(opened.path);
    return { model, sites, all, misses, rectifier, plugin, architecture, folder: opened.folder, name };
  };
  return { opened, load };
}

/** Runs a plugin's code. @throws UserError that names the plugin, when it throws. */
function asked<T>(plugin: Plugin, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`Plugin \`${plugin.name}\` failed: ${what}`, 'plugin-failed', { cause });
  }
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
