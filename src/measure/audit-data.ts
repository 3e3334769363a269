import { openData } from '../data/open.js';
import type { DataSet } from '../data/types.js';
import { findEmbeddings } from '../patterns/embedding.js';
import { graphNeeds } from '../patterns/graph-needs.js';
import { storedGraph, takesAdjacency } from '../patterns/stored-graph.js';
import { storedNodes } from '../patterns/stored-nodes.js';
import { DEFAULT_DATA, DEFAULT_TOKENS, shardOf } from '../settings/audit-settings.js';
import type { AuditOptions } from '../settings/options.js';
import type { AuditedModel } from './audited-model.js';
import { modelInputs, modelKind } from './model-kind.js';

/** Opens the data that an audit with these options sees, batch for batch. @throws UserError as `openData`. */
export async function openAuditData(
  options: AuditOptions,
  { model, plugin }: AuditedModel,
  signal: AbortSignal,
): Promise<DataSet> {
  const { graph } = model;
  const stored = storedGraph(graph);
  const inputs = modelInputs(graph);
  const { vocabulary, maxPositions } = findEmbeddings(graph);
  const reserved = plugin?.reservedPositions ?? 0;
  return openData({
    data: options.data ?? DEFAULT_DATA,
    split: options.split,
    tokenizer: options.tokenizer,
    tokens: options.tokens ?? DEFAULT_TOKENS,
    seqLen: options.seqLen,
    batchSize: options.batchSize,
    shard: options.shard === undefined ? undefined : shardOf(options.shard),
    modelPath: options.model,
    inputs,
    vocabulary,
    maxPositions: maxPositions === null ? null : maxPositions - reserved,
    modelKind: modelKind(inputs, { stored: stored !== null, fed: takesAdjacency(graph) }),
    graphNeeds: graphNeeds(graph),
    storedGraph: stored ? { nodes: storedNodes(stored) } : undefined,
    onStage: options.onStage,
    onProgress: options.onDownload,
    signal,
  });
}
