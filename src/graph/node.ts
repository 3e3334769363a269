import type { AttributeProto, StringStringEntryProto, TensorProto, UnknownFields } from '../onnx/types.js';
import type { Graph } from './graph.js';
import type { Value } from './value.js';

/** An attribute: its message, with nested graphs (If, Loop, Scan) by reference. */
export interface Attribute {
  proto: AttributeProto;
  /** `g` or `graphs` of the message; `proto.g` and `proto.graphs` are ignored when writing. */
  graphs: Graph[];
}

/** What a node carries besides its connections; written back as it was read. */
export interface NodeExtras {
  overload?: string;
  docString?: string;
  metadataProps: StringStringEntryProto[];
  unknown: UnknownFields;
}

const utf8 = new TextDecoder();

/** An operator call. `null` inputs and outputs are the optional ones left out in the file. */
export class Node {
  readonly inputs: (Value | null)[] = [];
  readonly outputs: (Value | null)[] = [];

  constructor(
    readonly graph: Graph,
    public opType: string,
    /** `''` for the standard domain (`ai.onnx` is read as `''`). */
    public domain: string,
    public name: string,
    readonly attributes: Map<string, Attribute>,
    readonly extras: NodeExtras,
  ) {}

  /** Whether this is the standard operator `opType`, or the one of `domain`. */
  is(opType: string, domain = ''): boolean {
    return this.opType === opType && this.domain === domain;
  }

  /** First input; `null` when absent. */
  get input(): Value | null {
    return this.inputs[0] ?? null;
  }

  /** First output; a node always has one unless every output was left out. */
  get output(): Value {
    const output = this.outputs[0];
    if (!output) throw new Error(`${this.opType} ${this.name} has no first output`);
    return output;
  }

  int(name: string, otherwise: number): number {
    const i = this.attributes.get(name)?.proto.i;
    return i === undefined ? otherwise : Number(i);
  }

  float(name: string, otherwise: number): number {
    return this.attributes.get(name)?.proto.f ?? otherwise;
  }

  ints(name: string): number[] | null {
    const attribute = this.attributes.get(name);
    return attribute ? attribute.proto.ints.map(Number) : null;
  }

  floats(name: string): number[] | null {
    return this.attributes.get(name)?.proto.floats ?? null;
  }

  string(name: string, otherwise: string): string {
    const s = this.attributes.get(name)?.proto.s;
    return s === undefined ? otherwise : utf8.decode(s);
  }

  tensor(name: string): TensorProto | null {
    return this.attributes.get(name)?.proto.t ?? null;
  }

  /** Nested graphs of all attributes, in attribute order. */
  get subgraphs(): Graph[] {
    return [...this.attributes.values()].flatMap((attribute) => attribute.graphs);
  }
}
