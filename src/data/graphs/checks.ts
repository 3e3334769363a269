import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { fitted } from '../arrays/array-set.js';
import { castTo, inputType } from '../arrays/convert.js';
import { describeInput } from '../feeds.js';
import type { StoredNodes, Warning } from '../spec.js';
import type { ModelInput } from '../types.js';
import { type Role, roleOf } from './fill.js';

/** Checks that every edge has its weight. */
export function checkWeights(inputs: ModelInput[], feeds: Record<string, NdArray>, path: string): void {
  const fed = (role: Role) => inputs.find((input) => roleOf(input) === role);
  const [edges, weights] = [fed('edge_index'), fed('edge_weight')];
  if (!edges || !weights) return;
  const [count, found] = [feeds[edges.name]!.dims.at(-1), feeds[weights.name]!.dims];
  if (found[0] === count) return;
  throw new UserError(
    `${path} gives [${found.join(', ')}] for the model's input ${describeInput(weights)}: expected a weight for each of the ${count} edges.`,
    'data-bad-shape',
  );
}

/** @throws UserError when the data has another number of nodes than the model stores. */
export function checkNodes(nodes: number, stored: StoredNodes | null, name: string): void {
  if (!stored || nodes === stored.nodes || (!stored.exact && nodes > stored.nodes)) return;
  const size = stored.exact ? String(stored.nodes) : `at least ${stored.nodes}`;
  throw new UserError(
    `The data "${name}" has ${nodes} nodes, and the model stores a graph of ${size}: supply features of those with --data feeds.npz (an array "x" [${stored.nodes}, features]), or use --data random.`,
    'data-bad-shape',
  );
}

/** Warnings about a graph. */
export const ownEdges = (name: string): Warning => ({
  code: 'stored-graph',
  message: `The model stores the edges of its graph: those of ${name} are not used, only its features, taken as of the same nodes.`,
});

export const noEdges = (name: string): Warning => ({
  code: 'no-edges',
  message: `The graph of ${name} has no edges: no node has neighbours, and measures over neighbours are 0.`,
});

export const emptySplit = (name: string, split: string | undefined): Warning => ({
  code: 'empty-split',
  message: `No node of ${name} counts: the mask${split === undefined ? '' : ` of the split "${split}"`} is empty.`,
});

/**
 * Checks like {@link fitted}, and the leading size too if the file fixes it: a graph is not cut into batches.
 */
export function checked(input: ModelInput, array: NdArray, path: string): NdArray {
  const size = input.shape?.[0];
  if (typeof size === 'number' && size !== array.dims[0]) {
    throw new UserError(
      `${path} gives [${array.dims.join(', ')}] for the model's input ${describeInput(input)}: the export fixes another size of graph; export it with dynamic axes or supply its own graph.`,
      'data-bad-shape',
    );
  }
  return castTo(inputType(input.elemType, input.name), fitted(input, array, path));
}

/**
 * Returns the mask of the nodes that count, [nodes]; `null` when all do.
 *
 * @throws UserError for a split without a mask that fits.
 */
export function nodeMask(
  arrays: ReadonlyMap<string, NdArray>,
  split: string | undefined,
  nodes: number,
  path: string,
): NdArray | null {
  const name =
    split === undefined ? 'mask' : `${split === 'valid' || split === 'validation' ? 'val' : split}_mask`;
  const array = arrays.get(name);
  if (array === undefined && split === undefined) return null;
  if (array === undefined) {
    throw new UserError(`${path} has no split "${split}": expected an array "${name}" [nodes].`, 'bad-split');
  }
  if (array.dims.join() !== String(nodes)) {
    throw new UserError(
      `The array "${name}" of ${path} has the shape [${array.dims.join(', ')}]: expected [${nodes}], one for each node.`,
      'data-bad-shape',
    );
  }
  return {
    type: 'bool',
    dims: [nodes],
    data: Uint8Array.from(array.data as Uint8Array, (one) => (one ? 1 : 0)),
  };
}
