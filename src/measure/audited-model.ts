import { basename } from 'node:path';
import { modelConfig } from '../data/model-config.js';
import { UserError } from '../errors.js';
import { refusePending } from '../files/journal.js';
import { finishPublication } from '../files/publish.js';
import { correspondence, transplant } from '../graph/correspondence.js';
import { fromOnnx } from '../graph/from-onnx.js';
import type { Value } from '../graph/graph.js';
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
import type { Coverage, NearMiss, Site } from '../sites/types.js';
import { loadPlugins } from './plugins.js';

export interface ModelOptions {
  /** Path of the .onnx file. */
  model: string;
  /** Paths of plugins. */
  plugin?: string[];
  /** Site id → tensor name or glob. */
  map?: Record<string, string>;
  /** Site names or site ids with `*`. */
  sites?: string[];
  layers?: number[];
}

/** A tensor that is counted beside the sites, for a repair that must know its values. */
export interface WatchedTensor {
  value: Value;
  /** Axis of the neurons. */
  axis: number;
}

/** A graph with its sites. */
export interface AuditedModel {
  model: Model;
  /** Sites to measure: those that the options select. */
  sites: Site[];
  /** Tensors to count beside them. */
  watched: WatchedTensor[];
  /** All sites of the graph, selected or not. */
  allSites: Site[];
  misses: NearMiss[];
  /** Share of the graph that its sites cover. */
  coverage: Coverage;
  /** The rectifier network that the whole graph is, or the reason why it is none. */
  rectifier: RectifierResult;
  plugin: Plugin | null;
  /** `model_type` of a config.json beside the model, else the plugin's name. */
  architecture: string | null;
  /** Folder of the model's files, without symbolic links. */
  folder: string;
  /** File name, for messages. */
  name: string;
}

/** A model file with its sites, searched once. */
export interface AuditedFile {
  opened: OpenedModel;
  /** The graph as the file has it. It is read and never edited. */
  original: AuditedModel;
  /** Returns a fresh copy of the graph, to be edited, with the sites in it. No pattern is searched again. */
  copy(): AuditedModel;
}

/**
 * Opens a model file and finds its sites. Weights stay on disk.
 *
 * @throws UserError for a file that is no model or half patched, a plugin that fails, and options that select
 *   no site.
 */
export async function openAuditedFile(options: ModelOptions): Promise<AuditedFile> {
  checkSettings(auditSettings, options);
  await finishPublication(options.model);
  refusePending(options.model);
  const opened = openModel(options.model);
  const plugins = await loadPlugins(options.plugin);
  const { model_type: modelType } = await modelConfig(options.model);
  const message = resolveIf(inlineFunctions(opened.proto));
  const model = fromOnnx(message);
  const plugin = plugins.find((candidate) => calling(candidate, () => candidate.matches(model))) ?? null;
  const arrange = plugin?.arrange?.bind(plugin);
  const found = findSites(model.graph, arrange && ((units) => calling(plugin!, () => arrange(units))));
  const allSites = mapByHand(model.graph, found.sites, options.map ?? {});
  const matches = {
    sites: selectSites(allSites, options.sites, options.layers),
    watched: [],
    allSites,
    misses: found.misses,
    coverage: found.coverage,
    rectifier: rectifierNetwork(model.graph, found),
  };
  const facts = {
    plugin,
    architecture: typeof modelType === 'string' ? modelType : (plugin?.name ?? null),
    folder: opened.folder,
    name: basename(opened.path),
  };
  return {
    opened,
    original: { model, ...matches, ...facts },
    copy() {
      const fresh = fromOnnx(message);
      return { model: fresh, ...transplant(matches, correspondence(model.graph, fresh.graph)), ...facts };
    },
  };
}

/** Runs a plugin's code. @throws UserError that names the plugin, when it throws. */
function calling<T>(plugin: Plugin, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`Plugin \`${plugin.name}\` failed: ${what}`, 'plugin-failed', { cause });
  }
}

/** @throws UserError that names the nearest miss, when a model has no sites. */
export function requireSites({ sites, misses, name }: AuditedModel): void {
  if (sites.length > 0) return;
  const nearest = misses[0] ? ` Nearest miss: ${misses[0].reason}.` : '';
  throw new UserError(
    `No MLP activation and no attention output was found in \`${name}\`, so there is nothing to audit.${nearest} ` +
      `\`audit inspect ${name} --explain\` lists all near misses; \`--map ID=TENSOR\` names a site by hand.`,
    'no-sites',
  );
}
