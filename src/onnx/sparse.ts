import { UserError } from '../errors.js';
import { elementBits, setElement } from './elements.js';
import { MAX_DENSE_ELEMENTS } from './limits.js';
import { lazyTensor } from './make-tensor.js';
import { tensorBytes } from './tensor-bytes.js';
import { elementCount } from './tensor-size.js';
import { readNumbers } from './tensors.js';
import type { SparseTensorProto, TensorProto } from './types.js';

/**
 * Returns a sparse tensor as a dense one whose bytes are made when they are first read. `null` for one
 * without values, of more than `MAX_DENSE_ELEMENTS` elements, or of strings.
 *
 * @throws UserError for negative dimensions; on reading, for an index outside the dimensions.
 */
export function denseTensor(sparse: SparseTensorProto): TensorProto | null {
  const { values, indices } = sparse;
  if (!values || !indices) return null;
  const count = elementCount({ name: values.name, dims: sparse.dims });
  const bits = elementBits(values.dataType);
  if (count > MAX_DENSE_ELEMENTS || bits === undefined) return null;
  return lazyTensor(values.name ?? '', values.dataType ?? 0, sparse.dims.map(Number), () => {
    const dense = new Uint8Array(Math.ceil((count * bits) / 8));
    const from = tensorBytes(values);
    for (const [i, at] of flatIndices(sparse, values, indices, count).entries()) {
      copyElement(from, i, dense, at, bits);
    }
    return dense;
  });
}

/** Positions of the values: from linear indices [values], or coordinates [values, rank]. */
function flatIndices(
  { dims }: SparseTensorProto,
  values: TensorProto,
  indices: TensorProto,
  count: number,
): Float64Array {
  const numbers = readNumbers(indices);
  const isLinear = indices.dims.length < 2;
  return new Float64Array(elementCount(values)).map((_, i) => {
    let flat = isLinear ? (numbers[i] ?? -1) : 0;
    if (!isLinear) {
      for (const [axis, dim] of dims.entries()) {
        flat = flat * Number(dim) + (numbers[i * dims.length + axis] ?? -1);
      }
    }
    if (flat >= 0 && flat < count) return flat;
    throw new UserError(
      `Expected the indices of sparse tensor \`${values.name ?? ''}\` to lie below ${count}, found ${flat}.`,
      'tensor-sparse',
    );
  });
}

function copyElement(from: Uint8Array, i: number, to: Uint8Array, at: number, bits: number): void {
  if (bits < 8) {
    const code = (from[(i * bits) >> 3]! >> ((i * bits) & 7)) & ((1 << bits) - 1);
    setElement(to, bits, at, code);
    return;
  }
  const width = bits / 8;
  for (let k = 0; k < width; k++) to[at * width + k] = from[i * width + k]!;
}
