import { intAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Model } from '../graph/model.js';
import { rowsOf } from '../graph/spelling.js';
import { DataType } from '../onnx/data-types.js';
import type { RectifierNetwork } from '../sites/rectifier.js';
import type { Site } from '../sites/types.js';

/** Output of the overlay that holds the data points at which one layer is alive. */
export interface LivingPointsProbe {
  site: Site;
  /** Output [points, 1], uint8: 1 where some unit of the layer is above zero. */
  output: string;
}

/**
 * Appends to each layer of a rectifier network, up to the last one of `sites`, a probe of the data points at
 * which one of its units is positive. The probe looks at its own layer only. A point that is dead at one
 * layer is dead at all layers after it: the reader of the outputs adds that (see `livingPointsByLayer`).
 */
export function addLivingPointsProbes(
  model: Model,
  { layers, points }: RectifierNetwork,
  sites: Site[],
): LivingPointsProbe[] {
  const last = layers.findLastIndex(({ post }) => sites.some(({ value }) => value === post.value));
  return layers.slice(0, last + 1).map(({ post }) => {
    const b = Builder.of(model, `audit/${post.id}/alive/`);
    const isFloat32 = post.value.type?.elemType === DataType.FLOAT;
    const values = isFloat32 ? post.value : b.cast(post.value, DataType.FLOAT);
    const rows =
      points === 'records'
        ? b.op('Flatten', [values], { axis: intAttribute(1) })
        : rowsOf(b, values, post.neurons);
    // Compared before it is reduced: ReduceMax loses a NaN, or keeps nothing else, depending on the NaN's
    // position.
    const positive = b.cast(b.op('Greater', [rows, b.float(0)]), DataType.FLOAT);
    const anyPositive = b.cast(b.reduce('ReduceMax', positive, [1]), DataType.UINT8);
    model.graph.addOutput(anyPositive);
    return { site: post, output: anyPositive.name };
  });
}
