import { intAttribute } from '../graph/attributes.js';
import type { Builder } from '../graph/builder.js';
import type { Value } from '../graph/graph.js';
import { isZero, slice } from '../graph/spelling.js';
import { DataType } from '../onnx/data-types.js';
import type { Neighbours } from './stored-edges.js';

/**
 * Sums over all pairs of neighbours: [energy, degreeEnergy, cosineDistance], float64 [3].
 *
 * @param x Embedding [nodes, features].
 * @param trips Number of chunks, int64 scalar; 0 skips the pass.
 */
export function edgePass(
  b: Builder,
  x: Value,
  { edges, degrees }: Neighbours,
  trips: Value,
  chunkRows: number,
): Value {
  const [sums] = b.loop(trips, [b.zeros([3])], (inside, iteration, [before]) => {
    const [start, end] = chunk(inside, iteration, chunkRows);
    const pairs = slice(inside, edges, start, end, 1);
    const [from, to] = [0, 1].map((row) => {
      const nodes = inside.op('Gather', [pairs, inside.int(row)], { axis: intAttribute(0) });
      const embedding = inside.cast(inside.op('Gather', [x, nodes]), DataType.DOUBLE);
      const degree = inside.cast(inside.op('Gather', [degrees, nodes]), DataType.DOUBLE);
      const root = inside.op('Sqrt', [inside.op('Add', [degree, inside.double(1)])]);
      const scaled = inside.op('Div', [embedding, inside.unsqueeze(root, 1)]);
      return { embedding, scaled, ...direction(inside, embedding) };
    });
    const energy = squaredDistance(inside, from!.embedding, to!.embedding);
    const degreeEnergy = squaredDistance(inside, from!.scaled, to!.scaled);
    // 1 − cos = ½‖u − v‖² for unit rows, which loses no digits where the rows are alike.
    const turned = squaredDistance(inside, from!.unit, to!.unit);
    const faded = squaredDistance(inside, from!.zero, to!.zero);
    const cosine = inside.op('Mul', [inside.op('Add', [turned, faded]), inside.double(0.5)]);
    return [inside.op('Add', [before!, list(inside, [energy, degreeEnergy, cosine])])];
  });
  return sums!;
}

/** Rows of length 1, and 1 where a row is zero: a direction of its own, at right angles to all others. */
function direction(b: Builder, rows: Value): { unit: Value; zero: Value } {
  const length = b.op('Sqrt', [b.reduce('ReduceSum', b.op('Mul', [rows, rows]), [1])]);
  const zero = b.cast(isZero(b, length), DataType.DOUBLE);
  // A length of 0 becomes 1, so that a zero row stays zero.
  return { unit: b.op('Div', [rows, b.op('Add', [length, zero])]), zero };
}

/** ‖a − b‖² over all entries, scalar. */
function squaredDistance(b: Builder, left: Value, right: Value): Value {
  return sumOfSquares(b, b.op('Sub', [left, right]));
}

/** Sums over all rows: what an embedding needs besides its edges. */
interface NodeSums {
  /** [zeros, squares], float64 [2]. */
  sums: Value;
  /** Σ (x − x₀), [1, features]. */
  shifted: Value;
  /** XᵀX, [features, features]. */
  gram: Value | null;
}

/**
 * Sums over all rows of x [nodes, features]. They are sums of the rows' differences from the first row x₀ [1,
 * features]: so equal rows give exactly zero, and a large common offset costs no digits.
 */
export function nodePass(
  b: Builder,
  x: Value,
  first: Value,
  trips: Value,
  chunkRows: number,
  hasGram: boolean,
): NodeSums {
  const zeroRow = b.op('Sub', [first, first]);
  const initial = [b.zeros([2]), zeroRow];
  if (hasGram) initial.push(b.op('MatMul', [b.op('Transpose', [zeroRow]), zeroRow]));
  const [sums, shifted, gram] = b.loop(trips, initial, (inside, iteration, before) => {
    const [start, end] = chunk(inside, iteration, chunkRows);
    const rows = inside.cast(slice(inside, x, start, end, 0), DataType.DOUBLE);
    const apart = inside.op('Sub', [rows, first]);
    const zeros = sumOfSquares(inside, inside.cast(isZero(inside, rows), DataType.DOUBLE));
    const after = [
      inside.op('Add', [before[0]!, list(inside, [zeros, sumOfSquares(inside, apart)])]),
      inside.op('Add', [before[1]!, inside.reduce('ReduceSum', apart, [0])]),
    ];
    if (before[2]) {
      const product = inside.op('MatMul', [inside.op('Transpose', [rows]), rows]);
      after.push(inside.op('Add', [before[2], product]));
    }
    return after;
  });
  return { sums: sums!, shifted: shifted!, gram: gram ?? null };
}

/** Scalar, over all entries. */
const sumOfSquares = (b: Builder, value: Value): Value =>
  b.op('ReduceSumSquare', [value], { keepdims: intAttribute(0) });

/** Scalars as a list. */
function list(b: Builder, scalars: Value[]): Value {
  const parts = scalars.map((scalar) => b.unsqueeze(scalar, 0));
  return b.op('Concat', parts, { axis: intAttribute(0) });
}

/** [iteration · chunk, (iteration + 1) · chunk) as int64 [1] each. */
function chunk(b: Builder, iteration: Value, chunkRows: number): [Value, Value] {
  const start = b.unsqueeze(b.op('Mul', [iteration, b.int(chunkRows)]), 0);
  return [start, b.op('Add', [start, b.ints([chunkRows])])];
}
