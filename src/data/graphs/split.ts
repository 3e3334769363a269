/**
 * Sizes of Planetoid's split (Yang et al. 2016): training nodes of each class, validation nodes, test nodes.
 */
const PLANETOID = { trainPerClass: 20, val: 500, test: 1000 };

/**
 * Splits nodes as Planetoid does: the first 20 nodes of each class to train, then the next 500 of the others,
 * then the next 1,000; the rest is in no split. Planetoid drew its nodes at random and nobody can draw the
 * same ones from the LINQS files; here they are taken in the order of the file, so that everyone gets the
 * same.
 *
 * @returns A mask [nodes] for each split; `null` when there are too few nodes for all three.
 */
export function planetoidSplit(
  classes: readonly number[],
  sizes = PLANETOID,
): Record<'train' | 'val' | 'test', Uint8Array> | null {
  const nodes = classes.length;
  const masks = { train: new Uint8Array(nodes), val: new Uint8Array(nodes), test: new Uint8Array(nodes) };
  const seen = new Map<number, number>();
  for (const [node, label] of classes.entries()) {
    const before = seen.get(label) ?? 0;
    seen.set(label, before + 1);
    if (before < sizes.trainPerClass) masks.train[node] = 1;
  }
  const others = [...classes.keys()].filter((node) => !masks.train[node]);
  const complete = [...seen.values()].every((count) => count >= sizes.trainPerClass);
  if (!complete || others.length < sizes.val + sizes.test) return null;
  for (const node of others.slice(0, sizes.val)) masks.val[node] = 1;
  for (const node of others.slice(sizes.val, sizes.val + sizes.test)) masks.test[node] = 1;
  return masks;
}
