import type { TensorProto } from '../../src/onnx/types.js';
import { finish, newWriter, prependBytes, prependTag, prependVarint } from '../../src/onnx/writer.js';

/** A wire field by hand: a number is a varint, bytes are length-delimited. */
export function field(number: number, value: number | Uint8Array): Uint8Array {
  const writer = newWriter();
  if (typeof value === 'number') prependVarint(writer, value);
  else {
    prependBytes(writer, value);
    prependVarint(writer, value.length);
  }
  prependTag(writer, number, typeof value === 'number' ? 0 : 2);
  return finish(writer);
}

/** Tag and length of a length-delimited field whose payload is not here. */
export function prefix(number: number, length: number): Uint8Array {
  const writer = newWriter();
  prependVarint(writer, length);
  prependTag(writer, number, 2);
  return finish(writer);
}

export const bytes = (...parts: (Uint8Array | number[] | string)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Uint8Array.from(part))));

/** ir_version 8 and opset 17: what a hand-made model needs besides its graph. */
export const preamble = bytes(field(1, 8), field(8, field(2, 17)));

/** An empty tensor message to spread. */
export const emptyTensor: TensorProto = {
  dims: [],
  floatData: [],
  int32Data: [],
  int64Data: [],
  doubleData: [],
  uint64Data: [],
  stringData: [],
  externalData: [],
  metadataProps: [],
  unknown: [],
};
