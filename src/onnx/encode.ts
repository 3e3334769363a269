import { UserError } from '../errors.js';
import { type Field, type Message, Model, type Scalar } from './schema.js';
import { readFileRange } from './source.js';
import type { ModelProto, StringStringEntryProto, TensorProto, UnknownFields } from './types.js';
import { FIXED32, FIXED64, LENGTH_DELIMITED, VARINT } from './wire.js';
import {
  type Deferred,
  finish,
  finishPieces,
  newWriter,
  type Piece,
  prependBytes,
  prependDouble,
  prependFloat,
  prependInt32,
  prependLengthDelimited,
  prependString,
  prependTag,
  prependVarint,
  prependVarint64,
  type Writer,
} from './writer.js';

type Fields = Record<string, unknown> & { unknown: UnknownFields };

/**
 * Returns what is written in place of a message; `rawData` of a tensor may be bytes that are made when they
 * are due.
 */
export type Transform = (message: string, fields: Fields) => Fields;

/** Protobuf messages hold less than 2 GiB. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * Returns the bytes of a model: fields by ascending number, unknown ones in their places, packed as
 * onnx.proto says. A tensor that has neither data in memory nor external data entries, but a span, gets its
 * bytes from there as raw_data.
 *
 * @throws UserError when the result would reach protobuf's limit of 2 GiB: write large tensors as external
 *   data then.
 */
export function encodeModel(model: ModelProto, transform?: Transform): Uint8Array {
  return finish(encode(model, transform));
}

/** Returns the same bytes in pieces, so that a model is written or hashed without its weights in memory. */
export function encodePieces(
  model: ModelProto,
  transform: Transform,
): { pieces: Piece[]; totalBytes: number } {
  const writer = encode(model, transform);
  return { pieces: finishPieces(writer), totalBytes: writer.totalBytes };
}

/** Data of a tensor: bytes made when they are due, or where external data lies. */
export type TensorData = Deferred | { externalData: StringStringEntryProto[] };

/** Returns a transform that writes other data for the tensors for which `dataOf` returns some. */
export function replacingData(dataOf: (tensor: TensorProto) => TensorData | null): Transform {
  return (message, fields) => {
    const data = message === 'TensorProto' ? dataOf(fields as unknown as TensorProto) : null;
    if (!data) return fields;
    if ('externalData' in data) return { ...fields, ...data };
    return { ...fields, floatData: [], doubleData: [], rawData: data };
  };
}

function encode(model: ModelProto, transform?: Transform): Writer {
  const writer = newWriter();
  encodeMessage(writer, Model, model as unknown as Fields, transform);
  if (writer.totalBytes > MAX_BYTES) {
    throw new UserError(
      `Expected a model of less than 2 GiB, which is all a protobuf file holds, got ${writer.totalBytes.toLocaleString('en-US')} bytes: write its large tensors as external data.`,
      'model-too-large',
    );
  }
  return writer;
}

/** Writes the fields of a message, the last one first. */
function encodeMessage(writer: Writer, message: Message, original: Fields, transform?: Transform): void {
  let fields = transform ? transform(message.name, original) : original;
  if (message.name === 'TensorProto')
    fields = withData(fields as unknown as TensorProto) as unknown as Fields;
  const unknown = fields.unknown.map((bytes) => ({ number: fieldNumber(bytes), bytes }));
  unknown.sort((a, b) => a.number - b.number);
  for (let i = message.fields.length - 1; i >= 0; i--) {
    const field = message.fields[i]!;
    while (unknown.length > 0 && unknown.at(-1)!.number > field.number) {
      prependBytes(writer, unknown.pop()!.bytes);
    }
    const value = fields[field.name];
    if (value !== undefined) encodeField(writer, field, value, transform);
  }
  while (unknown.length > 0) prependBytes(writer, unknown.pop()!.bytes);
}

/**
 * Returns the tensor as it is written: external data without bytes, or bytes that so far were only a span.
 */
function withData(tensor: TensorProto): TensorProto {
  if (tensor.dataLocation === 1) {
    if (!tensor.rawData) return tensor;
    const { rawData: _, ...rest } = tensor;
    return rest;
  }
  if (!tensor.span || tensor.rawData || tensor.floatData.length > 0 || tensor.doubleData.length > 0) {
    return tensor;
  }
  const { file, startBytes, endBytes } = tensor.span;
  if (endBytes - startBytes > MAX_BYTES) {
    throw new UserError(
      `Tensor \`${tensor.name ?? ''}\` takes ${(endBytes - startBytes).toLocaleString('en-US')} bytes, more than a protobuf file holds: write it as external data.`,
      'model-too-large',
    );
  }
  return { ...tensor, rawData: readFileRange(file, startBytes, endBytes) };
}

function encodeField(writer: Writer, field: Field, value: unknown, transform?: Transform): void {
  if (!field.repeated) {
    encodeOne(writer, field, value, transform);
    return;
  }
  const values = value as unknown[];
  const before = writer.totalBytes;
  for (let i = values.length - 1; i >= 0; i--) {
    if (field.packed) scalarWriters[field.scalar!](writer, values[i] as never);
    else encodeOne(writer, field, values[i], transform);
  }
  if (!field.packed || values.length === 0) return;
  prependVarint(writer, writer.totalBytes - before);
  prependTag(writer, field.number, LENGTH_DELIMITED);
}

function encodeOne(writer: Writer, field: Field, value: unknown, transform?: Transform): void {
  if (field.message) {
    const before = writer.totalBytes;
    encodeMessage(writer, field.message, value as Fields, transform);
    prependVarint(writer, writer.totalBytes - before);
    prependTag(writer, field.number, LENGTH_DELIMITED);
    return;
  }
  scalarWriters[field.scalar!](writer, value as never);
  prependTag(writer, field.number, wireTypes[field.scalar!]);
}

const wireTypes = {
  int64: VARINT,
  uint64: VARINT,
  int32: VARINT,
  float: FIXED32,
  double: FIXED64,
  string: LENGTH_DELIMITED,
  bytes: LENGTH_DELIMITED,
} as const;

const scalarWriters: Record<Scalar, (writer: Writer, value: never) => void> = {
  int64: prependVarint64,
  uint64: prependVarint64,
  int32: prependInt32,
  float: prependFloat,
  double: prependDouble,
  string: prependString,
  bytes: prependLengthDelimited,
};

/** Returns the field number of a complete wire field. */
function fieldNumber(bytes: Uint8Array): number {
  let tag = 0;
  for (let i = 0; i < bytes.length && i < 5; i++) {
    tag += (bytes[i]! & 0x7f) * 2 ** (7 * i);
    if (bytes[i]! < 0x80) break;
  }
  return Math.floor(tag / 8);
}
