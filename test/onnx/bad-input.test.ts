import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { openModel } from '../../src/onnx/skeleton.js';
import { buildBytes } from '../build.js';
import { bytes, field, preamble, prefix } from './messages.js';

const folder = mkdtempSync(join(tmpdir(), 'audit-bad-'));

function message(content: Uint8Array | string, name = 'x.onnx'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return refusal(path).replaceAll(`${folder}/`, '');
}

/** The one sentence that opening this path gives. */
function refusal(path: string): string {
  try {
    openModel(path);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  }
  throw new Error(`${path} was opened`);
}

const model = buildBytes({
  inputs: { x: ['float32', [1, 64]] },
  initializers: { w: ['float32', [64, 64], 1] },
  nodes: [['MatMul', ['x', 'w'], ['y']]],
  outputs: ['y'],
});
const inGraph = (content: Uint8Array) => bytes(preamble, field(7, content));
const initializer = (content: Uint8Array) => inGraph(field(5, content));
const named = (...parts: Uint8Array[]) => bytes(...parts, field(8, bytes('w')));

describe('a file that cannot be opened', () => {
  it('is named when it is missing, a folder, or no regular file', () => {
    expect(refusal('/no/such/x.onnx')).toBe(
      'Expected a model file at `/no/such/x.onnx`, found nothing there.',
    );
    expect(refusal(`${folder}`)).toBe(
      `Expected a model file, found the folder \`${folder}\`: it holds no .onnx file.`,
    );
    const fifo = join(folder, 'pipe.onnx');
    execFileSync('mkfifo', [fifo]);
    expect(refusal(fifo)).toMatch(/to be a regular file/);
  });

  it('says that it is empty', () => {
    expect(message('')).toBe('`x.onnx` is empty: export or download it again.');
  });

  it('says in which field a short file ends, and at which byte', () => {
    expect(message(model.subarray(0, 10_000))).toBe(
      '`x.onnx` ends inside field 7 (graph) at byte 10,000: the file is cut short; export or download it again.',
    );
    expect(message(model.subarray(0, 6))).toBe(
      '`x.onnx` ends inside field 2 (producer_name) at byte 6: the file is cut short; export or download it again.',
    );
  });

  it.each<[string, Uint8Array | string, RegExp]>([
    ['text', 'hello, this is not a model\n', /is text: give the \.onnx file/],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12\n',
      /Git LFS pointer.*git lfs pull/,
    ],
    ['a web page', '<!DOCTYPE html><html></html>', /is a web page/],
    [
      'a PyTorch checkpoint',
      'PK\x03\x04\x00\x00model/data.pkl',
      /is a PyTorch checkpoint.*export the model to ONNX first \(e\.g\. torch\.onnx\.export\)/,
    ],
    ['NumPy arrays', 'PK\x03\x04\x00\x00x.npy', /is an archive of NumPy arrays.*give the \.onnx file/],
    ['a zip archive', 'PK\x03\x04aaaa', /is a zip archive.*export the model to ONNX first/],
    ['a pickle', Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c), /is a Python pickle/],
    ['safetensors', bytes([64, 0, 0, 0, 0, 0, 0, 0], '{"a":{"dtype":"F32"}}'), /is a safetensors file/],
    ['HDF5', bytes([0x89], 'HDF\r\n\x1a\n', [0, 0]), /is an HDF5 file/],
    ['TensorFlow Lite', bytes([28, 0, 0, 0], 'TFL3', [0, 0]), /is a TensorFlow Lite model/],
    ['GGUF', bytes('GGUF', [3, 0, 0, 0]), /is a GGUF file/],
    ['NumPy', bytes([0x93], 'NUMPY', [1, 0]), /is a NumPy array/],
    ['an .ort model', bytes([40, 0, 0, 0], 'ORTM', [0, 0]), /own \.ort format/],
    ['gzip', gzipSync('x'), /is gzip-compressed/],
  ])('says that it is %s', (_, content, pattern) => {
    expect(message(content)).toMatch(/^Expected an ONNX model, but `x\.onnx` is /);
    expect(message(content)).toMatch(pattern);
  });

  it('says that a graph, or an opset version, is missing', () => {
    expect(message(preamble)).toMatch(/`x\.onnx` has no graph \(field 7\)/);
    expect(message(bytes(field(1, 8), field(7, field(2, bytes('g')))))).toMatch(
      /names no opset version \(field 8/,
    );
  });

  it.each<[string, Uint8Array]>([
    ['a varint that runs past its message', inGraph(bytes([0x0a, 2, 0x80, 0x80]))],
    ['a varint of eleven bytes', inGraph(bytes([0x08], new Uint8Array(11).fill(0x80)))],
    ['a nested length past its message', inGraph(bytes(prefix(1, 1_000_000_000), [1]))],
    ['a length of 2^63', inGraph(bytes([0x0a], new Uint8Array(9).fill(0x80), [1]))],
    ['a group', inGraph(bytes([0x0b, 0x0c]))],
    ['a frozen TensorFlow graph', bytes(field(1, bytes(field(1, bytes('x')))), field(1, bytes('y')))],
    ['field number 0', inGraph(bytes([0x02, 1, 0]))],
    ['bytes that are noise', Uint8Array.from({ length: 2000 }, (_, i) => (i * 7919 + 3) % 251)],
  ])('says what is broken about %s', (_, content) => {
    expect(message(content)).toMatch(
      /^Expected an ONNX model, but `x\.onnx` is none or damaged: found .* at byte [\d,]+, in .*; export or download it again\.$/,
    );
  });

  it('refuses a nesting bomb, and opens what ONNX Runtime still would', () => {
    const nest = (levels: number) => {
      let graph = field(2, bytes('g'));
      for (let i = 0; i < levels; i++)
        graph = field(1, bytes(field(5, field(6, graph)), field(4, bytes('If'))));
      return inGraph(graph);
    };
    expect(message(nest(34))).toMatch(/nests messages more than 100 deep/);
    expect(message(nest(500))).toMatch(/nests messages more than 100 deep/);
    writeFileSync(join(folder, 'deep.onnx'), nest(30));
    expect(openModel(join(folder, 'deep.onnx')).proto.graph).toBeDefined();
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'a negative dimension',
      named(bytes([0x08], new Uint8Array(9).fill(0xff), [1]), field(2, 1)),
      /tensor `w` has the negative dimension -1/,
    ],
    [
      'dimensions whose product overflows',
      named(...Array.from({ length: 9 }, () => field(1, 2 ** 31)), field(2, 1)),
      /tensor `w` has more than 2\^53 elements \(dims \[2147483648, .*…\]\)/,
    ],
    [
      'too few bytes',
      named(field(1, 4), field(2, 1), field(9, new Uint8Array(12))),
      /\(float32 \[4\]\) to have 16 bytes, found 12/,
    ],
    [
      'too many bytes',
      named(field(1, 4), field(2, 1), field(9, new Uint8Array(20))),
      /to have 16 bytes, found 20/,
    ],
    ['no bytes', named(field(1, 4), field(2, 1)), /to have 4 elements, found none/],
    ['too few entries', named(field(1, 4), field(2, 1), field(4, new Uint8Array(12))), /found 12/],
    [
      'too few strings',
      named(field(1, 2), field(2, 8), field(6, bytes('a'))),
      /to have 2 entries in string_data, found 1/,
    ],
    [
      'numbers in two fields',
      named(field(1, 1), field(2, 1), field(9, new Uint8Array(4)), field(4, new Uint8Array(4))),
      /two fields/,
    ],
    [
      'numbers in a field of another type',
      named(field(1, 1), field(2, 7), field(4, new Uint8Array(4))),
      /which its element type \(7\) does not use/,
    ],
  ])('names a tensor with %s', (_, content, pattern) => {
    expect(message(initializer(content))).toMatch(pattern);
    expect(message(initializer(content))).toContain('`w`');
  });
});
