import type {
  GraphProto,
  SparseTensorProto,
  StringStringEntryProto,
  TensorProto,
  TypeProto,
  UnknownFields,
  ValueInfoProto,
} from '../onnx/types.js';

/** A dimension: its size, its symbolic name, or `null` when nothing is known. */
export type Dimension = number | string | null;

/** The declared type of a value; `shape` is `null` when even the rank is unknown. */
export interface ValueType {
  elemType: number;
  shape: Dimension[] | null;
}

/** The rest of a node's message; written back as it was read. */
export interface NodeExtras {
  overload?: string;
  docString?: string;
  metadataProps: StringStringEntryProto[];
  unknown: UnknownFields;
}

/** The rest of a graph's message; written back as it was read. */
export interface GraphExtras {
  docString?: string;
  metadataProps: StringStringEntryProto[];
  sparseInitializer: SparseTensorProto[];
  unknown: UnknownFields;
}

/** The tensor type of a declaration; `null` for one without, or of another kind (sequence, map, …). */
export function readType(type: TypeProto | undefined): ValueType | null {
  const tensor = type?.tensorType;
  if (!tensor) return null;
  const shape: Dimension[] | null =
    tensor.shape?.dim.map(({ dimValue, dimParam }) =>
      dimValue !== undefined
        ? // Some exporters write -1 for a size that is not fixed.
          dimValue < 0n
          ? null
          : Number(dimValue)
        : dimParam || null,
    ) ?? null;
  return { elemType: tensor.elemType ?? 0, shape };
}

/** Returns a declaration of the type. */
export function writeType({ elemType, shape }: ValueType): TypeProto {
  const dim = (shape ?? []).map((size) => ({
    ...(typeof size === 'number' ? { dimValue: BigInt(size) } : size === null ? {} : { dimParam: size }),
    unknown: [],
  }));
  return {
    tensorType: { elemType, ...(shape ? { shape: { dim, unknown: [] } } : {}), unknown: [] },
    unknown: [],
  };
}

/** The type that a tensor itself has. */
export function tensorType(tensor: TensorProto, dims: bigint[] = tensor.dims): ValueType {
  return { elemType: tensor.dataType ?? 0, shape: dims.map(Number) };
}

/** Returns true if two types say the same. */
export function sameType(a: ValueType | null, b: ValueType | null): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Declarations of a graph's values by name. */
export function declarations(graph: GraphProto): Map<string, ValueInfoProto> {
  return new Map(graph.valueInfo.map((info) => [info.name ?? '', info]));
}
