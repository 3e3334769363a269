/** Where a unit stands in the model. */
export interface Place {
  stack: string;
  layer: number;
  part: string;
}

/** What `arrange` looks at. */
export interface Placeable {
  kind: 'mlp' | 'attention';
  /** The residual block of an activation in a model without attention; `null` outside of blocks. */
  block: number | null;
  /** Whether it is an MLP beside the one before it and not after it: an expert of a mixture. */
  beside: boolean;
}

/**
 * Layer numbers for units in execution order.
 *
 * With as many attentions as MLPs the k-th of each is in layer k: so also where both read the same residual stream and the
 * order between them means nothing. Otherwise a layer ends with its MLP; a second attention before it is cross-attention, MLPs side
 * by side are experts. In a
 * ResNet a layer is a residual block, its activations are the parts `act1`, `act2`, …; what is outside is a layer of its own.
 */
export function arrange(units: readonly Placeable[]): Place[] {
  const attentions = units.filter((unit) => unit.kind === 'attention').length;
  const mlps = units.length - attentions;
  if (units.some(({ block }) => block !== null)) return countBlocks(units);
  if (units.some(({ beside }) => beside)) return closeLayers(units);
  if (attentions === mlps || attentions === 0 || mlps === 0) return countEachKind(units);
  return closeLayers(units);
}

function countEachKind(units: readonly Placeable[]): Place[] {
  const next = { attention: 0, mlp: 0 };
  return units.map(({ kind }) => ({ stack: '', layer: next[kind]++, part: '' }));
}

function closeLayers(units: readonly Placeable[]): Place[] {
  const places: Place[] = [];
  let layer = 0;
  let attentions: Place[] = [];
  let mlps: Place[] = [];
  const close = (): void => {
    nameAttentions(attentions);
    if (mlps.length > 1) for (const [i, place] of mlps.entries()) place.part = `expert${i}`;
    attentions = [];
    mlps = [];
    layer++;
  };
  for (const { kind, beside } of units) {
    if (mlps.length > 0 && !beside) close();
    const place = { stack: '', layer, part: '' };
    places.push(place);
    (kind === 'attention' ? attentions : mlps).push(place);
  }
  close();
  return places;
}

function nameAttentions(attentions: Place[]): void {
  if (attentions.length < 2) return;
  for (const [i, place] of attentions.entries())
    place.part = i === 0 ? 'self' : i === 1 ? 'cross' : `cross${i}`;
}

function countBlocks(units: readonly Placeable[]): Place[] {
  let layer = -1;
  return units.map(({ block }, i) => {
    const members = units.filter((unit) => block !== null && unit.block === block);
    if (block === null || units[i - 1]?.block !== block) layer++;
    const part = members.length > 1 ? `act${members.indexOf(units[i]!) + 1}` : '';
    return { stack: '', layer, part };
  });
}
