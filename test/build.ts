import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromOnnx } from '../src/graph/from-onnx.js';
import type { Model } from '../src/graph/model.js';
import type { Dimension } from '../src/graph/types.js';
import { writeType } from '../src/graph/types.js';
import { DataType, dataTypeName } from '../src/onnx/data-types.js';
import { encodeModel } from '../src/onnx/encode.js';
import { makeTensor } from '../src/onnx/make-tensor.js';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  TensorProto,
  ValueInfoProto,
} from '../src/onnx/types.js';

/** `['float32', ['b', 's', 8]]`; without a shape the rank is unknown. */
export type TypeSpec = [elemType: string, shape?: Dimension[]];

/** A tensor message; `['float32', [2, 3], [numbers…]]` (or one number for all elements); or a plain float32 scalar. */
export type TensorSpec =
  | TensorProto
  | [type: string, dims: number[], numbers: ArrayLike<number> | number]
  | number;

/** Whole numbers become INT, others FLOAT: give `{ f: 1 }` for a whole FLOAT. */
export type AttributeSpec =
  | number
  | string
  | number[]
  | TensorProto
  | GraphSpec
  | { f: number }
  | { floats: number[] };

/** `['MatMul', ['x', 'w'], ['y'], { attribute: 1 }, { name, domain }]`; `''` leaves an input or output out. */
export type NodeSpec = [
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes?: Record<string, AttributeSpec>,
  more?: { name?: string; domain?: string },
];

export interface GraphSpec {
  name?: string;
  inputs?: Record<string, TypeSpec>;
  initializers?: Record<string, TensorSpec>;
  nodes: NodeSpec[];
  /** Names, or names with types. */
  outputs: string[] | Record<string, TypeSpec>;
  /** Declared types of inner values. */
  valueInfo?: Record<string, TypeSpec>;
}

export interface ModelSpec extends GraphSpec {
  /** Version of the standard opset (17). */
  opset?: number;
  /** Versions of other domains, e.g. `{ 'com.microsoft': 1 }`. */
  opsets?: Record<string, number>;
  irVersion?: number;
  producerName?: string;
}

/** A small model for tests as a message. Node names are `Op_0`, `Op_1`, … unless given. */
export function buildModel(spec: ModelSpec): ModelProto {
  const opsets = { '': spec.opset ?? 17, ...spec.opsets };
  return {
    irVersion: BigInt(spec.irVersion ?? 8),
    producerName: spec.producerName ?? 'test',
    graph: buildGraph(spec),
    opsetImport: Object.entries(opsets).map(([domain, version]) => ({
      ...(domain === '' ? {} : { domain }),
      version: BigInt(version),
      unknown: [],
    })),
    metadataProps: [],
    functions: [],
    unknown: [],
  };
}

/** The same as the bytes of a file. */
export function buildBytes(spec: ModelSpec): Uint8Array {
  return encodeModel(buildModel(spec));
}

/** The same, connected by reference. */
export function buildGraphModel(spec: ModelSpec): Model {
  return fromOnnx(buildModel(spec));
}

/** The same in a file of a fresh temporary folder; returns its path. */
export function buildFile(spec: ModelSpec, name = 'model.onnx'): string {
  const path = join(mkdtempSync(join(tmpdir(), 'audit-test-')), name);
  writeFileSync(path, buildBytes(spec));
  return path;
}

/** A tensor message; numbers as in `TensorSpec`. */
export function tensor(
  type: string,
  dims: number[],
  numbers: ArrayLike<number> | number,
  name = '',
): TensorProto {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const all = typeof numbers === 'number' ? new Array<number>(count).fill(numbers) : numbers;
  return makeTensor(name, typeCode(type), dims, all);
}

function buildGraph(spec: GraphSpec): GraphProto {
  return {
    node: spec.nodes.map(([opType, input, output, attributes = {}, more = {}], i) => ({
      input,
      output,
      name: more.name ?? `${opType}_${i}`,
      opType,
      ...(more.domain === undefined ? {} : { domain: more.domain }),
      attribute: Object.entries(attributes).map(([name, value]) => buildAttribute(name, value)),
      metadataProps: [],
      unknown: [],
    })),
    name: spec.name ?? 'g',
    initializer: Object.entries(spec.initializers ?? {}).map(([name, value]) => buildTensor(name, value)),
    sparseInitializer: [],
    input: declare(spec.inputs ?? {}),
    output: Array.isArray(spec.outputs)
      ? spec.outputs.map((name) => ({ name, metadataProps: [], unknown: [] }))
      : declare(spec.outputs),
    valueInfo: declare(spec.valueInfo ?? {}),
    metadataProps: [],
    unknown: [],
  };
}

function declare(types: Record<string, TypeSpec>): ValueInfoProto[] {
  return Object.entries(types).map(([name, [elemType, shape]]) => ({
    name,
    type: writeType({ elemType: typeCode(elemType), shape: shape ?? null }),
    metadataProps: [],
    unknown: [],
  }));
}

function buildTensor(name: string, spec: TensorSpec): TensorProto {
  if (typeof spec === 'number') return tensor('float32', [], spec, name);
  return Array.isArray(spec) ? tensor(...spec, name) : { ...spec, name };
}

function buildAttribute(name: string, value: AttributeSpec): AttributeProto {
  const base = { name, floats: [], ints: [], strings: [], tensors: [], graphs: [], unknown: [] };
  if (typeof value === 'number') {
    return Number.isInteger(value) ? { ...base, type: 2, i: BigInt(value) } : { ...base, type: 1, f: value };
  }
  if (typeof value === 'string') return { ...base, type: 3, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) {
    return value.every(Number.isInteger)
      ? { ...base, type: 7, ints: value.map(BigInt) }
      : { ...base, type: 6, floats: value };
  }
  if ('nodes' in value) return { ...base, type: 5, g: buildGraph(value) };
  if ('f' in value) return { ...base, type: 1, f: value.f };
  if ('floats' in value) return { ...base, type: 6, floats: value.floats };
  return { ...base, type: 4, t: value };
}

function typeCode(type: string): number {
  const code = Object.values(DataType).find((one) => dataTypeName(one) === type);
  if (code === undefined) throw new Error(`unknown element type ${type}`);
  return code;
}
