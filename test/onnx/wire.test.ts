import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/onnx/source.js';
import {
  type Cursor,
  readDouble,
  readFloat,
  readInt32,
  readInt64,
  readLength,
  readTag,
  readUint64,
  readVarint,
  skipValue,
  WireError,
} from '../../src/onnx/wire.js';
import {
  finish,
  newWriter,
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
} from '../../src/onnx/writer.js';

const cursor = (bytes: Uint8Array): Cursor => ({ source: memorySource(bytes, 'test'), at: 0 });

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = newWriter();
  write(writer);
  return finish(writer);
}

describe('the wire layer', () => {
  it('reads back every 64-bit integer it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
        const bytes = written((w) => prependVarint64(w, value));
        expect(readUint64(cursor(bytes), bytes.length)).toBe(BigInt.asUintN(64, value));
        expect(readInt64(cursor(bytes), bytes.length)).toBe(BigInt.asIntN(64, value));
      }),
    );
  });

  it('reads back every 32-bit integer, the negative ones in ten bytes', () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const bytes = written((w) => prependInt32(w, value));
        if (value < 0) expect(bytes.length).toBe(10);
        expect(readInt32(cursor(bytes), bytes.length)).toBe(value);
      }),
    );
  });

  it('reads back numbers, floats and lengths', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.float(), fc.double(), (nat, float, double) => {
        let bytes = written((w) => prependVarint(w, nat));
        expect(readVarint(cursor(bytes), bytes.length)).toBe(nat);
        bytes = written((w) => prependFloat(w, float));
        expect(readFloat(cursor(bytes), 4)).toBe(float);
        bytes = written((w) => prependDouble(w, double));
        expect(readDouble(cursor(bytes), 8)).toBe(double);
      }),
    );
  });

  it('keeps the order of small and large pieces', () => {
    const large = new Uint8Array(5000).fill(7);
    const bytes = written((w) => {
      prependString(w, 'é');
      prependLengthDelimited(w, large);
      prependTag(w, 3, 2);
      for (let i = 0; i < 40; i++) prependBytes(w, new Uint8Array(4000).fill(i));
      prependBytes(w, Uint8Array.of(1, 2));
    });
    expect(bytes.length).toBe(2 + 160_000 + 1 + 2 + 5000 + 3);
    expect([...bytes.subarray(0, 3)]).toEqual([1, 2, 39]);
    const at = 2 + 160_000;
    expect([...bytes.subarray(at, at + 4)]).toEqual([0x1a, 0x88, 0x27, 7]);
    expect([...bytes.subarray(-3)]).toEqual([2, 0xc3, 0xa9]);
  });

  it.each([
    ['a varint that runs past the end', Uint8Array.of(0x80, 0x80), (c: Cursor) => readVarint(c, 2)],
    ['a varint that runs past its message', Uint8Array.of(0x80, 0x01), (c: Cursor) => readVarint(c, 1)],
    ['a varint of eleven bytes', new Uint8Array(11).fill(0x80), (c: Cursor) => readVarint(c, 11)],
    ['field number 0', Uint8Array.of(0x02), (c: Cursor) => readTag(c, 1)],
    ['a group', Uint8Array.of(0x0b), (c: Cursor) => readTag(c, 1)],
    ['wire type 6', Uint8Array.of(0x0e), (c: Cursor) => readTag(c, 1)],
    ['a length past the end', Uint8Array.of(0x05, 1, 2), (c: Cursor) => readLength(c, 3)],
    ['a length of 2^63', Uint8Array.of(...new Array(9).fill(0x80), 1), (c: Cursor) => readLength(c, 10)],
    ['a fixed number past the end', Uint8Array.of(1, 2, 3), (c: Cursor) => skipValue(c, 3, 5)],
    ['a float past the end', Uint8Array.of(1, 2, 3), (c: Cursor) => readFloat(c, 3)],
  ])('refuses %s', (_, bytes, read) => {
    expect(() => read(cursor(bytes))).toThrow(WireError);
  });

  it('reads a length that ends exactly at the end', () => {
    expect(readLength(cursor(Uint8Array.of(2, 9, 9)), 3)).toBe(3);
  });
});
