import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../errors.js';
import type { NdArray } from '../../onnx/array.js';
import { fileLines } from '../text/lines.js';
import { readLinqsSplit } from './linqs-split.js';
import { planetoidSplit } from './split.js';

/**
 * Reads a folder in the LINQS format: `NAME.content` (id, features, class; tab separated, also `.gz`),
 * `NAME.cites` (pairs of ids), and `planetoid-split.json` if it is there. Without a split, a graph that is
 * large enough is split by {@link planetoidSplit}.
 *
 * @returns Arrays `x` [nodes, features], `edge_index` [2, edges] with both directions, `y` [nodes], and
 *   `train_mask`, `val_mask`, `test_mask` [nodes] when there is a split.
 * @throws UserError when a file is missing or a line is not of this format.
 */
export async function readLinqs(folder: string): Promise<Map<string, NdArray>> {
  const names = await readdir(folder);
  const content = join(folder, names.find((name) => /\.content(\.gz)?$/.test(name)) ?? 'NAME.content');
  const cites = join(folder, names.find((name) => /\.cites(\.gz)?$/.test(name)) ?? 'NAME.cites');
  const { ids, features, classes } = await readContent(content);
  const nodes = ids.size;
  const width = features.length / nodes;
  const edges = await readCites(cites, ids);
  const arrays = new Map<string, NdArray>([
    ['x', { type: 'float32', dims: [nodes, width], data: Float32Array.from(features) }],
    ['edge_index', { type: 'int64', dims: [2, edges.length / 2], data: bothRows(edges) }],
    ['y', { type: 'int64', dims: [nodes], data: BigInt64Array.from(classes.map(BigInt)) }],
  ]);
  if (names.includes('planetoid-split.json')) {
    const masks = await readLinqsSplit(join(folder, 'planetoid-split.json'), ids);
    for (const [name, mask] of masks) arrays.set(name, mask);
  } else {
    for (const [name, data] of Object.entries(planetoidSplit(classes) ?? {})) {
      arrays.set(`${name}_mask`, { type: 'bool', dims: [nodes], data });
    }
  }
  return arrays;
}

async function readContent(path: string) {
  const ids = new Map<string, number>();
  const features: number[] = [];
  const classNames: string[] = [];
  const classes: number[] = [];
  let width = -1;
  for await (const lines of fileLines(path)) {
    for (const line of lines) {
      if (line.trim() === '') continue;
      const fields = line.trimEnd().split('\t');
      if (width < 0) width = fields.length;
      const values = fields.slice(1, -1).map(Number);
      if (fields.length !== width || width < 3 || values.some(Number.isNaN)) {
        throw new UserError(
          `Line ${ids.size + 1} of ${path} is not "id, ${Math.max(1, width - 2)} numbers, class" with tabs between.`,
          'data-bad-graph',
        );
      }
      const id = fields[0]!;
      if (ids.has(id)) {
        throw new UserError(
          `Line ${ids.size + 1} of ${path} defines the node ${id} a second time.`,
          'data-bad-graph',
        );
      }
      ids.set(id, ids.size);
      for (const value of values) features.push(value);
      const name = fields.at(-1)!;
      if (!classNames.includes(name)) classNames.push(name);
      classes.push(classNames.indexOf(name));
    }
  }
  if (ids.size === 0) throw new UserError(`${path} holds no nodes.`, 'data-empty');
  const numbers = classNumbers(classNames);
  return { ids, features, classes: classes.map((at) => numbers[at]!) };
}

/** Cora's classes as Planetoid, and with it most trained models, numbers them. */
const CORA_CLASSES = [
  'Theory',
  'Reinforcement_Learning',
  'Genetic_Algorithms',
  'Neural_Networks',
  'Probabilistic_Methods',
  'Case_Based',
  'Rule_Learning',
];

/** Returns the number of each class: Planetoid's for Cora, else the order of appearance. */
function classNumbers(names: string[]): number[] {
  const cora = names.every((name) => CORA_CLASSES.includes(name));
  return names.map((name, at) => (cora ? CORA_CLASSES.indexOf(name) : at));
}

/** Reads pairs from, to, from, to, …: each citation in both directions, repeated ones once, no self loops. */
async function readCites(path: string, ids: Map<string, number>): Promise<number[]> {
  const seen = new Set<string>();
  const edges: number[] = [];
  for await (const lines of fileLines(path)) {
    for (const line of lines) {
      const [from, to] = line
        .trim()
        .split(/\s+/)
        .map((id) => ids.get(id));
      if (from === undefined || to === undefined || from === to) continue;
      for (const [a, b] of [
        [from, to],
        [to, from],
      ] as const) {
        if (seen.has(`${a} ${b}`)) continue;
        seen.add(`${a} ${b}`);
        edges.push(a, b);
      }
    }
  }
  return edges;
}

function bothRows(edges: number[]): BigInt64Array {
  const count = edges.length / 2;
  const data = new BigInt64Array(edges.length);
  for (let edge = 0; edge < count; edge++) {
    data[edge] = BigInt(edges[2 * edge]!);
    data[count + edge] = BigInt(edges[2 * edge + 1]!);
  }
  return data;
}
