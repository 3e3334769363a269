import { normals } from '../src/data/arrays/prng.js';
import type { ModelSpec, NodeSpec, TensorSpec } from './build.js';

export interface GcnOptions {
  layers: number;
  features: number;
  hidden: number;
  classes: number;
  /** Weights are normal with variance `gain` / inputs; 2 keeps the scale through a ReLU. */
  gain?: number;
  seed?: number;
}

/**
 * A graph convolution network as PyTorch Geometric exports it (GCNConv: self loops, symmetric normalisation, gather,
 * scatter-add), with random weights: x [nodes, features], edge_index [2, edges] → logits [nodes, classes].
 */
export function gcnSpec({ layers, features, hidden, classes, gain = 2, seed = 1 }: GcnOptions): ModelSpec {
  const widths = [features, ...new Array<number>(layers - 1).fill(hidden), classes];
  const initializers: Record<string, TensorSpec> = {
    zero: ['int64', [], [0]],
    one: ['int64', [], [1]],
    front: ['int64', [1], [0]],
    column: ['int64', [2], [-1, 1]],
    float_one: 1,
    minus_half: -0.5,
  };
  const nodes: NodeSpec[] = [
    ['Shape', ['x'], ['x_shape']],
    ['Gather', ['x_shape', 'zero'], ['n'], { axis: 0 }],
    ['Unsqueeze', ['n', 'front'], ['n1']],
    ['Range', ['zero', 'n', 'one'], ['range']],
    ['Unsqueeze', ['range', 'front'], ['loop']],
    ['Concat', ['loop', 'loop'], ['loops'], { axis: 0 }],
    ['Concat', ['edge_index', 'loops'], ['edges'], { axis: 1 }],
    ['Gather', ['edges', 'zero'], ['from'], { axis: 0 }],
    ['Gather', ['edges', 'one'], ['to'], { axis: 0 }],
    ['Shape', ['to'], ['to_shape']],
    ['Expand', ['float_one', 'to_shape'], ['ones']],
    ['ConstantOfShape', ['n1'], ['no_degrees']],
    ['ScatterElements', ['no_degrees', 'to', 'ones'], ['degrees'], { axis: 0, reduction: 'add' }],
    ['Pow', ['degrees', 'minus_half'], ['scale']],
    ['Gather', ['scale', 'from'], ['scale_from'], { axis: 0 }],
    ['Gather', ['scale', 'to'], ['scale_to'], { axis: 0 }],
    ['Mul', ['scale_from', 'scale_to'], ['norm']],
    ['Reshape', ['norm', 'column'], ['weights']],
    ['Reshape', ['to', 'column'], ['rows']],
  ];
  for (let layer = 0; layer < layers; layer++) {
    const [inputs, outputs] = [widths[layer]!, widths[layer + 1]!];
    const scale = Math.sqrt(gain / inputs);
    initializers[`w${layer}`] = [
      'float32',
      [inputs, outputs],
      normals(seed + layer, inputs * outputs).map((value) => value * scale),
    ];
    initializers[`b${layer}`] = ['float32', [outputs], 0];
    initializers[`width${layer}`] = ['int64', [1], [outputs]];
    const last = layer === layers - 1;
    nodes.push(
      ['MatMul', [layer === 0 ? 'x' : `post${layer - 1}`, `w${layer}`], [`h${layer}`]],
      ['Gather', [`h${layer}`, 'from'], [`gathered${layer}`], { axis: -2 }],
      ['Mul', ['weights', `gathered${layer}`], [`messages${layer}`]],
      ['Shape', [`messages${layer}`], [`shape${layer}`]],
      ['Expand', ['rows', `shape${layer}`], [`index${layer}`]],
      ['Concat', ['n1', `width${layer}`], [`size${layer}`], { axis: 0 }],
      ['ConstantOfShape', [`size${layer}`], [`nothing${layer}`]],
      [
        'ScatterElements',
        [`nothing${layer}`, `index${layer}`, `messages${layer}`],
        [`sum${layer}`],
        { axis: 0, reduction: 'add' },
      ],
      ['Add', [`sum${layer}`, `b${layer}`], [last ? 'logits' : `pre${layer}`]],
      ...(last ? [] : [['Relu', [`pre${layer}`], [`post${layer}`]] as NodeSpec]),
    );
  }
  return {
    opset: 17,
    inputs: { x: ['float32', ['nodes', features]], edge_index: ['int64', [2, 'edges']] },
    initializers,
    nodes,
    outputs: { logits: ['float32', ['nodes', classes]] },
  };
}
