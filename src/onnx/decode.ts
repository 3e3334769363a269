import { UserError } from '../errors.js';
import { append } from './append.js';
import { checkStructure, MAX_DEPTH, MAX_FIELD_BYTES, MEMORY } from './limits.js';
import { readPayload, settlePayloads } from './payload.js';
import { type Field, type Message, Model, type Scalar, Tensor } from './schema.js';
import type { Source } from './source.js';
import type { ModelProto, TensorProto, UnknownFields } from './types.js';
import {
  type Cursor,
  countVarints,
  FIXED32,
  FIXED64,
  LENGTH_DELIMITED,
  readDouble,
  readFloat,
  readInt32,
  readInt64,
  readLength,
  readTag,
  readUint64,
  skipValue,
  type Tag,
  VARINT,
  WireError,
} from './wire.js';

const IR_VERSION = 1;

type Fields = Record<string, unknown> & { unknown: UnknownFields };

/** A cursor that counts what its source has become so far. */
interface Reader extends Cursor {
  /** Estimated memory of the messages. */
  memoryBytes: number;
  /** Bytes that stay on disk. */
  skippedBytes: number;
}

/**
 * Decodes a ModelProto from a source, leaving large tensors where they are (see `payload.ts`). A singular
 * submessage that occurs again is merged into the first one, a singular scalar is replaced, as protobuf
 * prescribes. Lists that are empty are one shared array, which is frozen.
 *
 * @throws WireError when the bytes break the wire format, UserError when they exceed a limit of `limits.ts`.
 */
export function decodeModelProto(source: Source): ModelProto {
  const cursor: Reader = { source, at: 0, memoryBytes: 0, skippedBytes: 0 };
  const model = decodeMessage(cursor, Model, empty(Model), source.sizeBytes, 0);
  return model as unknown as ModelProto;
}

const EMPTY: readonly never[] = Object.freeze([]);

function empty(message: Message): Fields {
  const fields: Fields = { unknown: EMPTY as never };
  for (const { repeated, name } of message.fields) if (repeated) fields[name] = EMPTY;
  return fields;
}

/** Adds a value to a list, which may be a typed array until then. */
function add(target: Fields, name: string, value: unknown): void {
  const values = target[name] as unknown[];
  target[name] = append(Array.isArray(values) ? values : Array.from(values), value);
}

function spend(cursor: Reader, bytes: number): void {
  cursor.memoryBytes += bytes;
  checkStructure(cursor.source.name, cursor.memoryBytes, cursor.at - cursor.skippedBytes);
}

/** Reads fields up to `end` into `target`. */
function decodeMessage(cursor: Reader, message: Message, target: Fields, end: number, depth: number): Fields {
  if (depth > MAX_DEPTH) {
    throw new UserError(
      `\`${cursor.source.name}\` nests messages more than ${MAX_DEPTH} deep at byte ${cursor.at.toLocaleString('en-US')}: ONNX Runtime reads no such file either.`,
      'model-too-deep',
    );
  }
  let tag: Tag | null = null;
  try {
    while (cursor.at < end) {
      const start = cursor.at;
      tag = null;
      tag = readTag(cursor, end);
      const field = message.byNumber.get(tag.number);
      if (field && decodeField(cursor, message, field, tag, target, end, depth)) continue;
      if (message === Model && tag.number === IR_VERSION) {
        // Other protobuf files (a frozen TensorFlow graph) would be taken for unknown fields, all of them.
        throw new WireError(`wire type ${tag.wireType} for ir_version`, start);
      }
      skipValue(cursor, end, tag.wireType);
      refuseHuge(cursor.source, start, cursor.at, `unknown field ${tag.number}`, message);
      add(target, 'unknown', cursor.source.copy(start, cursor.at));
      spend(cursor, MEMORY.bytes);
    }
  } catch (error) {
    if (error instanceof WireError) {
      const where = tag ? fieldLabel(message, tag.number) : null;
      error.inner ??= where === null ? message.name : `field ${where} of ${message.name}`;
      error.depth ??= depth;
      if (depth === 0) error.outer = where;
    }
    throw error;
  }
  return target;
}

/** `7 (graph)`. */
function fieldLabel(message: Message, number: number): string {
  const field = message.byNumber.get(number);
  return field ? `${number} (${field.protoName})` : `${number}`;
}

/** Reads one value; `false` when its wire type is not the field's, which makes it an unknown field. */
function decodeField(
  cursor: Reader,
  message: Message,
  field: Field,
  tag: Tag,
  target: Fields,
  end: number,
  depth: number,
): boolean {
  if (field.message) {
    if (tag.wireType !== LENGTH_DELIMITED) return false;
    const nestedEnd = readLength(cursor, end);
    const before = field.repeated ? undefined : (target[field.name] as Fields | undefined);
    const nested = before ?? empty(field.message);
    spend(cursor, MEMORY.message);
    decodeMessage(cursor, field.message, nested, nestedEnd, depth + 1);
    if (field.message.name === 'TensorProto') {
      settlePayloads(nested as unknown as TensorProto, cursor.source);
    }
    if (field.repeated) add(target, field.name, nested);
    else target[field.name] = nested;
    return true;
  }
  const scalar = field.scalar!;
  const wireType = wireTypeOf(scalar);
  if (tag.wireType === wireType) {
    const valueEnd = wireType === LENGTH_DELIMITED ? readLength(cursor, end) : end;
    if (skipPayload(cursor, message, field, target, valueEnd, tag)) return true;
    if (wireType === LENGTH_DELIMITED) {
      refuseHuge(cursor.source, cursor.at, valueEnd, field.protoName, message);
    }
    const value = readScalar(cursor, scalar, valueEnd);
    if (field.repeated) add(target, field.name, value);
    else target[field.name] = value;
    return true;
  }
  if (!field.repeated || tag.wireType !== LENGTH_DELIMITED) return false;
  const packedEnd = readLength(cursor, end);
  if (skipPayload(cursor, message, field, target, packedEnd, tag)) return true;
  if (message === Tensor && field.packed && target[field.name] === EMPTY) {
    // A number takes at most eight times its byte in the file.
    target[field.name] = readIntegers(cursor, scalar, packedEnd) ?? EMPTY;
  }
  while (cursor.at < packedEnd) add(target, field.name, readScalar(cursor, scalar, packedEnd));
  return true;
}

function skipPayload(
  cursor: Reader,
  message: Message,
  field: Field,
  target: Fields,
  end: number,
  { wireType }: Tag,
): boolean {
  const start = cursor.at;
  if (!readPayload(cursor, message, field, target as unknown as TensorProto, end, wireType)) return false;
  cursor.skippedBytes += end - start;
  return true;
}

/** Reads a whole packed run of varints as a typed array; `null` for other numbers. */
function readIntegers(
  cursor: Cursor,
  scalar: Scalar,
  end: number,
): Int32Array | BigInt64Array | BigUint64Array | null {
  if (scalar !== 'int32' && scalar !== 'int64' && scalar !== 'uint64') return null;
  const count = countVarints(cursor, end);
  if (scalar === 'int32') return new Int32Array(count).map(() => readInt32(cursor, end));
  if (scalar === 'int64') return new BigInt64Array(count).map(() => readInt64(cursor, end));
  return new BigUint64Array(count).map(() => readUint64(cursor, end));
}

function wireTypeOf(scalar: Scalar): number {
  if (scalar === 'string' || scalar === 'bytes') return LENGTH_DELIMITED;
  if (scalar === 'float') return FIXED32;
  return scalar === 'double' ? FIXED64 : VARINT;
}

// A byte order mark is part of the string: dropping it would change the file.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function readScalar(cursor: Reader, scalar: Scalar, end: number): unknown {
  spend(cursor, scalar === 'bytes' ? MEMORY.bytes : scalar === 'string' ? MEMORY.string : MEMORY.number);
  switch (scalar) {
    case 'int64':
      return readInt64(cursor, end);
    case 'uint64':
      return readUint64(cursor, end);
    case 'int32':
      return readInt32(cursor, end);
    case 'float':
      return readFloat(cursor, end);
    case 'double':
      return readDouble(cursor, end);
    default: {
      const bytes = cursor.source.copy(cursor.at, end);
      cursor.at = end;
      return scalar === 'string' ? utf8.decode(bytes) : bytes;
    }
  }
}

function refuseHuge(source: Source, start: number, end: number, what: string, message: Message): void {
  if (end - start <= MAX_FIELD_BYTES || source.file === null) return;
  throw new UserError(
    `Expected ${what} in ${message.name} of \`${source.name}\` to take at most 256 MiB, found ${(end - start).toLocaleString('en-US')} bytes at byte ${start.toLocaleString('en-US')}.`,
    'model-field-too-large',
  );
}
