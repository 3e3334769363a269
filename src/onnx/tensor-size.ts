import { UserError } from '../errors.js';
import { byteLength, DataType, dataTypeName } from './data-types.js';
import type { TensorProto } from './types.js';

interface Dimensioned {
  dims: bigint[];
  name?: string | undefined;
}

/**
 * Returns the number of elements by the tensor's dimensions (1 for a scalar).
 *
 * @throws UserError for a negative dimension, or more elements than a number counts exactly.
 */
export function elementCount(tensor: Dimensioned, where = ''): number {
  let count = 1n;
  let zero = false;
  for (const dim of tensor.dims) {
    if (dim < 0n) throw wrongDims(tensor, where, `has the negative dimension ${dim}`);
    if (dim === 0n) zero = true;
    else count *= dim;
    // Checked in the loop: the product of a million dimensions must not become a giant integer.
    if (count > BigInt(Number.MAX_SAFE_INTEGER))
      throw wrongDims(tensor, where, 'has more than 2^53 elements');
  }
  return zero ? 0 : Number(count);
}

function wrongDims(tensor: Dimensioned, where: string, what: string): UserError {
  return new UserError(
    `${where}tensor \`${tensor.name ?? ''}\` ${what} (dims [${shownDims(tensor)}]): the file is damaged; export it again.`,
    'tensor-dims',
  );
}

const shownDims = ({ dims }: Dimensioned): string =>
  dims.slice(0, 8).join(', ') + (dims.length > 8 ? ', …' : '');

/** Returns the bytes of the tensor in raw_data; `undefined` for strings and unknown types. */
export function tensorByteLength(tensor: TensorProto, where = ''): number | undefined {
  return byteLength(tensor.dataType, elementCount(tensor, where));
}

/**
 * Checks that a tensor has exactly the numbers its dimensions ask for.
 *
 * @param where Begins the message, e.g. "`x.onnx`: ".
 * @throws UserError naming the tensor, the expected size and the size found.
 */
export function checkTensor(tensor: TensorProto, where: string): void {
  const elements = elementCount(tensor, where);
  const bytes = byteLength(tensor.dataType, elements);
  const span = tensor.span ? tensor.span.endBytes - tensor.span.startBytes : undefined;
  const raw = span ?? tensor.rawData?.length;
  const complex = tensor.dataType === DataType.COMPLEX64 || tensor.dataType === DataType.COMPLEX128;
  const typed: [string, number, number][] = [
    ['float_data', tensor.floatData.length, complex ? elements * 2 : elements],
    ['double_data', tensor.doubleData.length, complex ? elements * 2 : elements],
    // Two 4-bit (four 2-bit) elements share one entry, as they share one byte.
    ['int32_data', tensor.int32Data.length, isSubByte(tensor) ? (bytes ?? elements) : elements],
    ['int64_data', tensor.int64Data.length, elements],
    ['uint64_data', tensor.uint64Data.length, elements],
    ['string_data', tensor.stringData.length, elements],
  ];
  const used = typed.filter(([, length]) => length > 0);
  if (raw !== undefined && raw > 0 && bytes !== undefined && raw !== bytes) {
    throw mismatch(tensor, where, `${bytes.toLocaleString('en-US')} bytes`, `${raw.toLocaleString('en-US')}`);
  }
  for (const [field, length, expected] of used) {
    if (length !== expected) throw mismatch(tensor, where, `${expected} entries in ${field}`, `${length}`);
  }
  if (used.length > 1)
    throw mismatch(tensor, where, 'its numbers in one field', used.map(([field]) => field).join(' and '));
  const something = (raw ?? 0) > 0 || used.length > 0;
  if (elements > 0 && !something && (bytes !== undefined || tensor.dataType === DataType.STRING)) {
    throw mismatch(tensor, where, `${elements.toLocaleString('en-US')} elements`, 'none');
  }
}

function isSubByte(tensor: TensorProto): boolean {
  return (byteLength(tensor.dataType, 2) ?? 2) < 2;
}

function mismatch(tensor: TensorProto, where: string, expected: string, found: string): UserError {
  return new UserError(
    `${where}expected tensor \`${tensor.name ?? ''}\` (${dataTypeName(tensor.dataType)} [${shownDims(tensor)}]) to have ${expected}, found ${found}.`,
    'tensor-size',
  );
}
