import { intAttribute, intsAttribute } from '../graph/attributes.js';
import { Builder } from '../graph/builder.js';
import { Graph, type Value } from '../graph/graph.js';
import type { Model } from '../graph/model.js';
import { toOnnx } from '../graph/to-onnx.js';
import { DataType } from '../onnx/data-types.js';
import { encodeModel } from '../onnx/encode.js';
import { makeTensor } from '../onnx/make-tensor.js';

/**
 * Options of a graph that runs many random rectifier networks at once. Dimensions: r networks; n units or
 * feature maps of a layer; units (n, or n · side² for a convolution); points of the data; fanIn of a unit.
 */
export interface RandomNetworks {
  /** Layers that one run computes. */
  layers: number;
  /** Independent weights, sign flipping (section 7 of the paper), or sums standardized over the points. */
  scheme: 'iid' | 'flip' | 'batch-norm';
  bias: boolean;
  /** Compute the normalised variance of each layer's output too: ‖σ‖² / ‖λ‖². */
  variance: boolean;
  /** Sizes that a grouped convolution must spell out; `null` for dense layers, whose graph fits any size. */
  convolution: { maps: number; networks: number; kernel: number; side: number } | null;
}

/** Names of the graph's inputs and outputs. */
export const NETWORKS = {
  /** Input [r, units, points]: the output of the layer before, or the data. */
  state: 'state',
  /** Output [r, units, points]. */
  nextState: 'next_state',
  /** Input, bool [r, 1, points]: points that no layer has killed so far. */
  alive: 'alive',
  /** Output, bool [r, 1, points]. */
  nextAlive: 'next_alive',
  /** Input [layers, r, n, fanIn]. */
  weights: 'weights',
  /** Input [layers, r, n, 1], with `bias`. */
  bias: 'bias',
  /** Output [r, 1, layers]: living points after each layer. */
  counts: 'counts',
  /** Output [r, 1, layers], with `variance`; NaN where all outputs are zero. */
  variance: 'variance',
} as const;

const OPSET = 17;
/** Least divisor of a network's outputs: a dead network is not divided by 0. */
const LEAST_PEAK = 1e-30;
const BATCH_NORM_EPSILON = 1e-5;

/** Builds the graph, as the bytes of an ONNX model. */
export function randomNetworks(options: RandomNetworks): Uint8Array {
  const graph = new Graph('random_networks', null);
  const b = new Builder(graph, OPSET, 'net/');
  const float = (name: string, shape: (string | number)[]): Value =>
    graph.addInput(name, { elemType: DataType.FLOAT, shape });
  let state = float(NETWORKS.state, ['r', 'units', 'points']);
  let alive = graph.addInput(NETWORKS.alive, { elemType: DataType.BOOL, shape: ['r', 1, 'points'] });
  const weights = float(NETWORKS.weights, ['layers', 'r', 'n', 'fan_in']);
  const bias = options.bias ? float(NETWORKS.bias, ['layers', 'r', 'n', 1]) : null;
  const counts: Value[] = [];
  const variances: Value[] = [];
  let peak: Value | null = null;
  for (let layer = 0; layer < options.layers; layer++) {
    // Without bias a network is positively homogeneous: dividing by its largest output keeps float32 in
    // range.
    const scaled = peak ? b.op('Div', [at(b, weights, layer), peak]) : at(b, weights, layer);
    const sums = sumsOf(b, options, state, scaled, bias && at(b, bias, layer));
    const next = rectify(b, options, sums, alive);
    ({ state, alive } = next);
    counts.push(countOf(b, alive));
    if (options.variance) variances.push(varianceOf(b, state));
    if (!options.bias) {
      const largest = b.reduce('ReduceMax', next.largest, [2]);
      peak = b.op('Max', [largest, b.float(LEAST_PEAK)]);
    }
  }
  // The last layer's output is scaled too, so that a chain of runs stays in range.
  output(b, NETWORKS.nextState, peak ? b.op('Div', [state, peak]) : state);
  output(b, NETWORKS.nextAlive, alive);
  output(b, NETWORKS.counts, b.op('Concat', counts, { axis: intAttribute(2) }));
  if (options.variance) {
    output(b, NETWORKS.variance, b.op('Concat', variances, { axis: intAttribute(2) }));
  }
  return encodeModel(toOnnx(modelOf(graph)));
}

/** Computes W·h + b, [r, units, points]. */
function sumsOf(
  b: Builder,
  { convolution }: RandomNetworks,
  state: Value,
  weights: Value,
  bias: Value | null,
): Value {
  if (!convolution) {
    const product = b.op('MatMul', [weights, state]);
    return bias ? b.op('Add', [product, bias]) : product;
  }
  const { maps, networks, kernel, side } = convolution;
  const before = Math.floor((kernel - 1) / 2);
  const after = kernel - 1 - before;
  // One group per network: [points, r · n, side, side].
  const images = b.op('Transpose', [state], { perm: intsAttribute([2, 0, 1]) });
  const grouped = b.op('Reshape', [images, b.ints([0, -1, side, side])]);
  const kernels = b.op('Reshape', [weights, b.ints([-1, maps, kernel, kernel])]);
  const inputs = bias ? [grouped, kernels, b.op('Reshape', [bias, b.ints([-1])])] : [grouped, kernels];
  const sums = b.op('Conv', inputs, {
    group: intAttribute(networks),
    pads: intsAttribute([before, before, after, after]),
  });
  const flat = b.op('Reshape', [sums, b.ints([0, networks, -1])]);
  return b.op('Transpose', [flat], { perm: intsAttribute([1, 2, 0]) });
}

interface Rectified {
  state: Value;
  alive: Value;
  /** Largest output of each point [r, 1, points]. */
  largest: Value;
}

/**
 * Computes max(sums, 0), with the sums first changed as the scheme says. A point stays alive if a unit is
 * positive.
 */
function rectify(b: Builder, { scheme }: RandomNetworks, sums: Value, alive: Value): Rectified {
  const input =
    scheme === 'flip'
      ? b.op('Mul', [sums, flippingSign(b, sums, alive)])
      : scheme === 'batch-norm'
        ? standardized(b, sums)
        : sums;
  const state = b.op('Relu', [input]);
  const largest = b.reduce('ReduceMax', state, [1]);
  const living = b.op('And', [alive, b.op('Greater', [largest, b.float(0)])]);
  return { state, alive: living, largest };
}

/** Returns −1 for networks whose layer would kill more than half of the living points, else 1; [r, 1, 1]. */
function flippingSign(b: Builder, sums: Value, alive: Value): Value {
  const positive = b.op('Greater', [b.reduce('ReduceMax', sums, [1]), b.float(0)]);
  const survivors = countOf(b, b.op('And', [alive, positive]));
  const killsMost = b.op('Less', [b.op('Mul', [survivors, b.float(2)]), countOf(b, alive)]);
  return b.op('Where', [killsMost, b.float(-1), b.float(1)]);
}

function standardized(b: Builder, sums: Value): Value {
  const centred = b.op('Sub', [sums, mean(b, sums)]);
  const variance = mean(b, b.op('Mul', [centred, centred]));
  const deviation = b.op('Sqrt', [b.op('Add', [variance, b.float(BATCH_NORM_EPSILON)])]);
  return b.op('Div', [centred, deviation]);
}

/** Computes ‖σ‖² / ‖λ‖², [r, 1, 1]: σ and λ hold the deviation and mean of each unit over the points. */
function varianceOf(b: Builder, state: Value): Value {
  const means = mean(b, state);
  const centred = b.op('Sub', [state, means]);
  const variances = mean(b, b.op('Mul', [centred, centred]));
  const squares = b.op('Mul', [means, means]);
  return b.op('Div', [b.reduce('ReduceSum', variances, [1]), b.reduce('ReduceSum', squares, [1])]);
}

/** Averages over the points: [r, units, 1]. */
function mean(b: Builder, value: Value): Value {
  return b.op('ReduceMean', [value], { axes: intsAttribute([2]), keepdims: intAttribute(1) });
}

/** Counts living points: [r, 1, points] → [r, 1, 1]. Exact in float32 up to 2^24 points. */
function countOf(b: Builder, alive: Value): Value {
  return b.reduce('ReduceSum', b.cast(alive, DataType.FLOAT), [2]);
}

/** Picks element `layer` of the first axis. */
function at(b: Builder, value: Value, layer: number): Value {
  const index = b.graph.addInitializer(makeTensor(`layer_${layer}`, DataType.INT64, [], [layer]));
  return b.op('Gather', [value, index], { axis: intAttribute(0) });
}

function output(b: Builder, name: string, value: Value): void {
  const { output: named } = b.graph.addNode({ opType: 'Identity', inputs: [value], outputs: [name] });
  b.graph.addOutput(named);
}

function modelOf(graph: Graph): Model {
  return {
    graph,
    opsets: new Map([['', OPSET]]),
    functions: [],
    irVersion: 8,
    producerName: 'activation-auditor',
    producerVersion: '',
    metadataProps: [],
    extras: { unknown: [] },
  };
}
