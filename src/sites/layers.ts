/** Where a unit stands in the model. */
export interface Place {
  stack: string;
  layer: number;
  part: string;
}

/** What `arrange` looks at. */
export interface Placeable {
  kind: 'mlp' | 'attention';
}

/**
 * Layer numbers for units in execution order.
 *
 * With as many attentions as MLPs the k-th of each is in layer k: so also where both read the same residual stream and the
 * order between them means nothing. Otherwise a layer ends with its MLP; a second attention before it is cross-attention.
 */
export function arrange(units: readonly Placeable[]): Place[] {
  const attentions = units.filter((unit) => unit.kind === 'attention').length;
  const mlps = units.length - attentions;
  if (attentions === mlps || attentions === 0 || mlps === 0) return countEachKind(units);
  return closeLayersByMlp(units);
}

function countEachKind(units: readonly Placeable[]): Place[] {
  const next = { attention: 0, mlp: 0 };
  return units.map(({ kind }) => ({ stack: '', layer: next[kind]++, part: '' }));
}

function closeLayersByMlp(units: readonly Placeable[]): Place[] {
  let layer = 0;
  let attentions = 0;
  let closed = false;
  return units.map(({ kind }) => {
    if (closed) {
      layer++;
      attentions = 0;
      closed = false;
    }
    if (kind === 'mlp') {
      closed = true;
      return { stack: '', layer, part: '' };
    }
    attentions++;
    return {
      stack: '',
      layer,
      part: attentions === 1 ? '' : attentions === 2 ? 'cross' : `cross${attentions - 1}`,
    };
  });
}
