import { constantTensor } from '../graph/constants.js';
import { unmoved } from '../graph/follow.js';
import type { Graph, Value } from '../graph/graph.js';
import { isFloat } from '../onnx/data-types.js';
import { storedWeight } from './weights.js';

export interface Embeddings {
  /** Rows of the table that token ids index: the number of ids that the model knows. */
  vocabulary: number | null;
  /** Rows of the learned position table: the longest sequence. */
  maxPositions: number | null;
}

/** A table with fewer rows tells segments apart, not positions. */
const FEWEST_POSITIONS = 8;

/**
 * Returns the sizes of the embedding tables: E[ids] and P[positions], each a Gather from a stored [rows,
 * hidden].
 */
export function findEmbeddings(graph: Graph): Embeddings {
  let vocabulary: number | null = null;
  let maxPositions: number | null = null;
  for (const node of graph.nodes) {
    if (node.is('EmbedLayerNormalization', 'com.microsoft')) {
      vocabulary ??= rowsOf(node.inputs[2]);
      maxPositions ??= rowsOf(node.inputs[3]);
    }
    if (!node.is('Gather')) continue;
    const rows = rowsOf(node.inputs[0]);
    const source = rows === null ? null : indexSource(node.inputs[1]);
    if (rows === null) continue;
    if (source && /^((encoder|decoder)_)?input_ids$/.test(source.name))
      vocabulary = Math.max(vocabulary ?? 0, rows);
    else if (rows >= FEWEST_POSITIONS && (!source || source.name === 'position_ids'))
      maxPositions = Math.min(maxPositions ?? rows, rows);
  }
  return { vocabulary, maxPositions };
}

function rowsOf(table: Value | null | undefined): number | null {
  const stored = table ? storedWeight(table) : null;
  if (stored?.shape.length !== 2) return null;
  const tensor = constantTensor(stored.value);
  return tensor && (isFloat(tensor.dataType) || tensor.dataType === 2 || tensor.dataType === 3)
    ? stored.shape[0]!
    : null;
}

/** Returns the graph input that indices are, moved or cast; `null` if they are computed or stored. */
function indexSource(indices: Value | null | undefined): Value | null {
  const source = indices && unmoved(indices);
  return source?.isInput && !source.tensor ? source : null;
}
