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
}

/**
 * Layer numbers for units in execution order.
 *
 * With as many attentions as MLPs the k-th of each is in layer k: so also where both read the same residual stream and the
 * order between them means nothing. Otherwise a layer ends with its MLP; a second attention before it is cross-attention. In a
 * ResNet a layer is a residual block, its activations are the parts `act1`, `act2`, …; what is outside is a layer of its own.
 */
export function arrange(units: readonly Placeable[]): Place[] {
  const attentions = units.filter((unit) => unit.kind === 'attention').length;
  const mlps = units.length - attentions;
  if (units.some(({ block }) => block !== null)) return countBlocks(units);
  if (attentions === mlps || attentions === 0 || mlps === 0) return countEachKind(units);
  return closeLayersByMlp(units);
}

function countEachKind(units: readonly Placeable[]): Place[] {
  const next = { attention: 0, mlp: 0 };
  return units.map(({ kind }) => ({ stack: '', layer: next[kind]++, part: '' }));
}

function closeLayersByMlp(units: readonly Placeable[]): Place[] {
  const places: Place[] = [];
  let layer = 0;
  let attentions: Place[] = [];
  for (const { kind } of units) {
    const place = { stack: '', layer, part: '' };
    places.push(place);
    if (kind === 'attention') attentions.push(place);
    else {
      nameAttentions(attentions);
      attentions = [];
      layer++;
    }
  }
  nameAttentions(attentions);
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
