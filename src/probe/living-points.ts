import { intAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import type { Model } from '../graph/model.js';
import { DataType } from '../onnx/data-types.js';
import type { RectifierNetwork } from '../sites/rectifier.js';
import type { Site } from '../sites/types.js';

/** Where the overlay says at which data points some unit of a layer is positive. */
export interface LivingPointsProbe {
  site: Site;
  /** Output [points, 1], uint8: 1 where some unit of the layer is above zero. */
  output: string;
}

/**
 * Appends to each layer of a rectifier network, up to the last one of `sites`, the question whether any of its units is
 * positive at each data point. That a point dead at one layer is dead from there on is for the reader to add: how many
 * points a layer has is known only when the graph runs.
 */
export function addLivingPointsProbes(
  model: Model,
  { layers, points }: RectifierNetwork,
  sites: Site[],
): LivingPointsProbe[] {
  const opset = model.opsets.get('') ?? 1;
  const last = layers.findLastIndex(({ post }) => sites.some(({ value }) => value === post.value));
  return layers.slice(0, last + 1).map(({ post }) => {
    const b = new Builder(model.graph, opset, `audit/${post.id}/alive/`);
    const float = post.value.type?.elemType === DataType.FLOAT;
    const values = float ? post.value : b.cast(post.value, DataType.FLOAT);
    const rows = b.op('Flatten', [values], { axis: intAttribute(points === 'records' ? 1 : -1) });
    // Asked before it is reduced: ReduceMax loses NaN, or keeps nothing else, depending on where it stands.
    const positive = b.cast(b.op('Greater', [rows, b.float(0)]), DataType.FLOAT);
    const any = b.cast(b.reduce('ReduceMax', positive, [1]), DataType.UINT8);
    model.graph.addOutput(any);
    return { site: post, output: any.name };
  });
}
