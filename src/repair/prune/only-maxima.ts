import { intAttribute } from '../../graph/attributes.js';
import { Builder } from '../../graph/builder.js';
import type { Model } from '../../graph/model.js';
import { DataType } from '../../onnx/data-types.js';

/**
 * Replaces each output by its largest number: the whole model runs, and nothing large leaves it. Returns
 * their names.
 */
export function onlyMaxima(model: Model): string[] {
  const { graph } = model;
  const b = Builder.of(model, 'audit/maximum/');
  const maxima = graph.outputs.map((output) => {
    const flat = b.op('Flatten', [b.cast(output, DataType.FLOAT)], { axis: intAttribute(0) });
    return b.reduce('ReduceMax', flat, [1]);
  });
  graph.setOutputs(maxima);
  return maxima.map(({ name }) => name);
}
