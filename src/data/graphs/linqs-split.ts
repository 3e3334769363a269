import { z } from 'zod';
import { UserError } from '../../errors.js';
import { readTextFile } from '../../files/text-files.js';
import type { NdArray } from '../../onnx/array.js';

const splits = z.record(z.string(), z.array(z.union([z.string(), z.number()])));

/**
 * Reads a `planetoid-split.json`: node ids by the name of their split, as in `{"train": [0, 1], "test":
 * [7]}`.
 *
 * @param ids Number of each node, by its id.
 * @returns `<split>_mask` → bool [nodes].
 * @throws UserError when the file is no such JSON, or names a node that the graph does not have.
 */
export async function readLinqsSplit(
  path: string,
  ids: ReadonlyMap<string, number>,
): Promise<Map<string, NdArray>> {
  const masks = new Map<string, NdArray>();
  for (const [name, members] of Object.entries(await readSplits(path))) {
    const data = new Uint8Array(ids.size);
    for (const id of members) {
      const node = ids.get(String(id));
      if (node === undefined) {
        throw new UserError(
          `Split "${name}" of ${path} names the node ${id}, which the graph does not have: expected ids of its .content file.`,
          'data-bad-graph',
        );
      }
      data[node] = 1;
    }
    masks.set(`${name}_mask`, { type: 'bool', dims: [ids.size], data });
  }
  return masks;
}

async function readSplits(path: string): Promise<z.infer<typeof splits>> {
  const fail = (why: string, cause: unknown): UserError =>
    new UserError(
      `${path} is no split of a graph (${why}): expected node ids by split, as in {"train": [0, 1], "test": [7]}.`,
      'data-bad-graph',
      { cause },
    );
  const text = await readTextFile(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw fail('it is not JSON', cause);
  }
  const parsed = splits.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0]!;
  throw fail(`${at.join('.') || 'the whole'}: ${message}`, parsed.error);
}
