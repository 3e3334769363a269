import type { TensorProto, ValueInfoProto } from '../onnx/types.js';
import type { Graph } from './graph.js';
import type { Node } from './node.js';

/** A dimension: its size, its symbolic name, or `null` when nothing is known. */
export type Dimension = number | string | null;

/** The declared type of a value; `shape` is `null` when even the rank is unknown. */
export interface ValueType {
  elemType: number;
  shape: Dimension[] | null;
}

/** One place that reads a value: input `index` of `node` (which may lie in a nested graph). */
export interface Use {
  node: Node;
  index: number;
}

/**
 * A tensor in the graph: an input, an initializer, or output `outputIndex` of its producer.
 * Connections are references; the name matters only to the file.
 */
export class Value {
  /** The node that computes this value; `null` for graph inputs and initializers. */
  producer: Node | null = null;
  outputIndex = 0;
  /** Every node input that reads this value, nested graphs included. Changed only by edits of `Graph`. */
  readonly uses: Use[] = [];
  /** Set for initializers (and for inputs with a default, which are both). */
  tensor: TensorProto | null = null;
  /** The declaration in the file, kept for what `type` does not carry. */
  info: ValueInfoProto | null = null;

  constructor(
    public name: string,
    readonly graph: Graph,
    public type: ValueType | null = null,
  ) {}

  get isInput(): boolean {
    return this.graph.inputs.includes(this);
  }

  get isOutput(): boolean {
    return this.graph.outputs.includes(this);
  }

  /** Known rank, or `null`. */
  get rank(): number | null {
    return this.type?.shape?.length ?? null;
  }

  /** The nodes that read this value, each once, in order of use. */
  get consumers(): Node[] {
    return [...new Set(this.uses.map((use) => use.node))];
  }
}
