import { UserError } from '../errors.js';
import { packageFile } from '../files/package.js';
import { npzSet } from './arrays/array-set.js';
import { noiseRole, randomEncoder, randomSet, randomText } from './arrays/random.js';
import { planFeeds } from './feeds.js';
import { coraFolder } from './graphs/cora.js';
import { graphFileSet, graphFolderSet, isGraphFolder, randomGraphSet } from './graphs/graph-set.js';
import { type Hub, hubFromEnvironment } from './hub/endpoint.js';
import { imageFolderSet, isImageFolder } from './images/image-set.js';
import { modelConfig } from './model-config.js';
import { dataPaths, pathKind } from './names.js';
import { inputRoles } from './roles.js';
import type { DataSpec, Warning } from './spec.js';
import { fileSource, isTextPath, type TextSource } from './text/source.js';
import { wikitext } from './text/wikitext.js';
import { findTokenizer } from './tokens/find.js';
import { textShape } from './tokens/shape.js';
import { textSet } from './tokens/text-set.js';
import type { DataSet } from './types.js';

/**
 * Opens a data set for a model: finds or downloads it, finds a tokenizer where one is needed, and plans how
 * each input of the model is filled. Nothing large is read before the batches are asked for.
 *
 * @throws UserError for data that is missing or does not fit, a tokenizer that is not found, an input that
 *   cannot be filled.
 */
export async function openData(spec: DataSpec, hub: Hub = hubFromEnvironment()): Promise<DataSet> {
  const warnings: Warning[] = [];
  switch (spec.data) {
    case 'sample':
      return openSample(spec, hub, warnings);
    case 'wikitext':
      return openText(await wikitext(2, spec, hub), spec, hub, warnings);
    case 'wikitext-103':
      return openText(await wikitext(103, spec, hub), spec, hub, warnings);
    case 'cora':
      return graphFolderSet(await coraFolder(spec, hub), spec, 'cora');
    case 'random':
      return openRandom(spec, warnings);
    default:
      return openPath(spec.data, spec, hub, warnings);
  }
}

async function openSample(spec: DataSpec, hub: Hub, warnings: Warning[]): Promise<DataSet> {
  if (spec.modelKind === 'graph') return graphFileSet(packageFile('samples/graph.npz'), spec, 'sample');
  if (spec.modelKind === 'text') {
    const source = await fileSource(packageFile('samples/text.txt'));
    return openText({ ...source, name: 'sample', variant: null }, spec, hub, warnings);
  }
  throw new UserError(
    'The samples in the package are text and a graph, and this model takes neither; use --data feeds.npz (arrays ' +
      'named after its inputs), a folder of images, or --data random.',
    'data-no-sample',
  );
}

async function openText(source: TextSource, spec: DataSpec, hub: Hub, warnings: Warning[]): Promise<DataSet> {
  const config = await modelConfig(spec.modelPath);
  const plan = planFeeds(spec.inputs, spec.feeder, startToken(config));
  const encoder = await findTokenizer(spec, hub, warnings);
  const maxPositions = spec.maxPositions ?? positionsIn(config);
  const shape = textShape(plan.ids, { ...spec, maxPositions }, encoder.prefix.length + encoder.suffix.length);
  const { tokens, shard } = spec;
  return textSet({ source, encoder, plan, shape, tokens, shard, warnings });
}

async function openRandom(spec: DataSpec, warnings: Warning[]): Promise<DataSet> {
  if (spec.modelKind === 'graph') return randomGraphSet(spec);
  if (spec.modelKind !== 'text') return randomSet(spec, warnings);
  const config = await modelConfig(spec.modelPath);
  const roles = spec.feeder?.roles ?? [];
  const feeder = { roles: [...roles, noiseRole([...roles, ...inputRoles])] };
  const plan = planFeeds(spec.inputs, feeder, startToken(config), 'random ids');
  const vocabulary = spec.vocabulary ?? config.vocab_size;
  if (typeof vocabulary !== 'number' || !(vocabulary > 0)) {
    throw new UserError(
      'Random ids need the size of the vocabulary, which the model does not tell; put its config.json (with ' +
        '"vocab_size") beside it, or use --data sample.',
      'vocabulary-unknown',
    );
  }
  const encoder = randomEncoder(vocabulary);
  const shape = textShape(plan.ids, { ...spec, maxPositions: spec.maxPositions ?? positionsIn(config) }, 0);
  const tokens = spec.tokens === 'all' ? 65_536 : spec.tokens;
  const parts = { source: randomText, encoder, plan, shape, tokens, shard: spec.shard, warnings };
  return { ...(await textSet(parts)), kind: 'random' };
}

async function openPath(path: string, spec: DataSpec, hub: Hub, warnings: Warning[]): Promise<DataSet> {
  if ((await pathKind(path)) === 'folder') {
    if (await isGraphFolder(path)) return graphFolderSet(path, spec);
    if (await isImageFolder(path)) return imageFolderSet(path, spec, warnings);
    throw new UserError(
      `The folder ${path} holds neither MNIST (idx), CIFAR-10 (binary) nor LINQS files.`,
      'data-unknown',
    );
  }
  if (path.toLowerCase().endsWith('.npz')) {
    return spec.modelKind === 'graph' ? graphFileSet(path, spec) : npzSet(path, spec, warnings);
  }
  if (isTextPath(path)) return openText(await fileSource(path), spec, hub, warnings);
  throw new UserError(`What ${path} holds is not told by its name: expected ${dataPaths}.`, 'data-unknown');
}

/** Reads the longest sequence from the model's config.json. */
function positionsIn(config: Record<string, unknown>): number | null {
  const positions = config.n_positions ?? config.max_position_embeddings;
  return typeof positions === 'number' && positions > 0 ? positions : null;
}

/** Reads the token that a decoder's shifted input starts with from the model's config.json. */
function startToken(config: Record<string, unknown>): number {
  for (const key of ['decoder_start_token_id', 'pad_token_id', 'bos_token_id']) {
    if (typeof config[key] === 'number') return config[key];
  }
  return 0;
}
