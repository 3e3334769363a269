/** The part of a site's id that tells its unit from others: `[stack.]layer.site[.part]`. */
export interface LayerId {
  stack: string;
  layer: number;
  part: string;
}

/** A unit as `arrange` sees it: an MLP or an attention. */
export interface Sublayer {
  kind: 'mlp' | 'attention';
  /** Residual block of an activation function in a stack without attention; `null` outside of blocks. */
  block: number | null;
  /** True for an MLP beside the one before it and not after it: an expert of a mixture. */
  beside: boolean;
}

/**
 * Numbers the layers of one stack.
 *
 * With as many attentions as MLPs the k-th of each is in layer k, even where both read the same residual
 * stream and the order between them means nothing. Otherwise a layer ends with its MLP: a second attention
 * before it is cross-attention, MLPs side by side are experts. In a ResNet a layer is a residual block, and
 * its activations are the parts `act1`, `act2`, …; an activation outside of blocks is a layer of its own.
 *
 * @param units In execution order.
 */
export function arrange(units: readonly Sublayer[]): LayerId[] {
  const attentions = units.filter(({ kind }) => kind === 'attention').length;
  const mlps = units.length - attentions;
  if (units.some(({ block }) => block !== null)) return countBlocks(units);
  if (units.some(({ beside }) => beside)) return closeLayers(units);
  if (attentions === mlps || attentions === 0 || mlps === 0) return countEachKind(units);
  return closeLayers(units);
}

function countEachKind(units: readonly Sublayer[]): LayerId[] {
  const next = { attention: 0, mlp: 0 };
  return units.map(({ kind }) => ({ stack: '', layer: next[kind]++, part: '' }));
}

function closeLayers(units: readonly Sublayer[]): LayerId[] {
  const ids: LayerId[] = [];
  let layer = 0;
  let attentions: LayerId[] = [];
  let mlps: LayerId[] = [];
  const close = (): void => {
    nameAttentions(attentions);
    if (mlps.length > 1) for (const [i, id] of mlps.entries()) id.part = `expert${i}`;
    attentions = [];
    mlps = [];
    layer++;
  };
  for (const { kind, beside } of units) {
    if (mlps.length > 0 && !beside) close();
    const id = { stack: '', layer, part: '' };
    ids.push(id);
    (kind === 'attention' ? attentions : mlps).push(id);
  }
  close();
  return ids;
}

function nameAttentions(attentions: readonly LayerId[]): void {
  if (attentions.length < 2) return;
  for (const [i, id] of attentions.entries()) id.part = i === 0 ? 'self' : i === 1 ? 'cross' : `cross${i}`;
}

function countBlocks(units: readonly Sublayer[]): LayerId[] {
  const members = new Map<number, number>();
  for (const { block } of units) if (block !== null) members.set(block, (members.get(block) ?? 0) + 1);
  let layer = -1;
  let act = 0;
  return units.map(({ block }, i) => {
    const isNew = block === null || units[i - 1]?.block !== block;
    if (isNew) [layer, act] = [layer + 1, 0];
    act++;
    const part = block !== null && members.get(block)! > 1 ? `act${act}` : '';
    return { stack: '', layer, part };
  });
}
