import { UserError } from '../errors.js';
import { DataType } from './data-types.js';
import { MAX_PIECES_BYTES } from './limits.js';
import type { Field, Message } from './schema.js';
import type { Source } from './source.js';
import type { TensorProto } from './types.js';
import { type Cursor, LENGTH_DELIMITED, readDouble, readFloat } from './wire.js';

/** Element bytes up to this many are read into memory; more stay on disk as a span. */
export const IN_MEMORY_BYTES = 4096;

/** Field that a tensor's span was read from, while it is being decoded. */
const origins = new WeakMap<TensorProto, string>();

/**
 * Takes the element bytes of a tensor of a file: `raw_data`, and packed `float_data` and `double_data`, which
 * are the same little-endian bytes. Notes their span, and keeps them in memory only when they are at most
 * 4,096 bytes.
 *
 * @returns `false` when this field is none of those, or nothing is on disk.
 */
export function readPayload(
  cursor: Cursor,
  message: Message,
  field: Field,
  tensor: TensorProto,
  end: number,
  wireType: number,
): boolean {
  const { file } = cursor.source;
  if (message.name !== 'TensorProto' || file === null) return false;
  if (field.name === 'rawData') {
    const start = cursor.at;
    noteOrigin(tensor, 'rawData');
    tensor.span = { file, startBytes: start, endBytes: end };
    delete tensor.rawData;
    if (end - start <= IN_MEMORY_BYTES) tensor.rawData = cursor.source.copy(start, end);
    cursor.at = end;
    return true;
  }
  if (field.name !== 'floatData' && field.name !== 'doubleData') return false;
  noteOrigin(tensor, field.name);
  if (tensor.span || tensor[field.name].length > 0 || wireType !== LENGTH_DELIMITED) {
    // In several pieces, or one by one: no single run of bytes on disk.
    joinPieces(cursor, tensor, field.name, end - cursor.at);
    return false;
  }
  tensor.span = { file, startBytes: cursor.at, endBytes: end };
  if (end - cursor.at <= IN_MEMORY_BYTES) return false;
  cursor.at = end;
  return true;
}

/** Checks, once a tensor is complete, that its span is of a field that fits its element type. */
export function settlePayloads(tensor: TensorProto, source: Source): void {
  const origin = origins.get(tensor);
  if (origin === 'several') {
    throw new UserError(
      `\`${source.name}\`: tensor \`${tensor.name ?? ''}\` has its numbers in two fields; expected one of raw_data, float_data and double_data.`,
      'tensor-two-fields',
    );
  }
  if (origin === undefined || origin === 'rawData' || !tensor.span) return;
  const { FLOAT, COMPLEX64, DOUBLE, COMPLEX128 } = DataType;
  const fitting = origin === 'floatData' ? [FLOAT, COMPLEX64] : [DOUBLE, COMPLEX128];
  if ((fitting as number[]).includes(tensor.dataType ?? 0)) return;
  throw new UserError(
    `\`${source.name}\`: tensor \`${tensor.name ?? ''}\` has its numbers in ${origin === 'floatData' ? 'float_data' : 'double_data'}, which its element type (${tensor.dataType ?? 0}) does not use.`,
    'tensor-wrong-field',
  );
}

function noteOrigin(tensor: TensorProto, field: string): void {
  const before = origins.get(tensor);
  origins.set(tensor, before === undefined || before === field ? field : 'several');
}

function joinPieces(
  cursor: Cursor,
  tensor: TensorProto,
  name: 'floatData' | 'doubleData',
  bytes: number,
): void {
  const { span } = tensor;
  if (!span) return;
  if (span.endBytes - span.startBytes + bytes > MAX_PIECES_BYTES) {
    throw new UserError(
      `\`${cursor.source.name}\`: tensor \`${tensor.name ?? ''}\` has more than 16 MiB of numbers in several pieces; expected one piece.`,
      'tensor-in-pieces',
    );
  }
  delete tensor.span;
  if (tensor[name].length > 0) return;
  const first: Cursor = { source: cursor.source, at: span.startBytes };
  const read = name === 'floatData' ? readFloat : readDouble;
  const numbers: number[] = [];
  while (first.at < span.endBytes) numbers.push(read(first, span.endBytes));
  tensor[name] = numbers;
}
