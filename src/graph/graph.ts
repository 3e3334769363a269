import { UserError } from '../errors.js';
import { append } from '../onnx/append.js';
import type { AttributeProto, TensorProto, ValueInfoProto } from '../onnx/types.js';
import { Names } from './names.js';
import { type GraphExtras, type NodeExtras, tensorType, type ValueType } from './types.js';

/** One reader of a value: input `index` of `node`, which may lie in a nested graph. */
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
  uses: readonly Use[] = [];
  /** Set for initializers. An input with a default is an initializer, too. */
  tensor: TensorProto | null = null;
  /** The declaration in the file, kept for what `type` does not carry. */
  info: ValueInfoProto | null = null;
  /** True for the inputs of its graph. Changed only by edits of `Graph`. */
  isInput = false;
  /** True for the outputs of its graph. Changed only by edits of `Graph`. */
  isOutput = false;

  constructor(
    public name: string,
    readonly graph: Graph,
    public type: ValueType | null = null,
  ) {}

  /** Known rank, or `null`. */
  get rank(): number | null {
    return this.type?.shape?.length ?? null;
  }

  /** The nodes that read this value, each once, in order of use. */
  get consumers(): Node[] {
    return [...new Set(this.uses.map((use) => use.node))];
  }
}

/** An attribute: its message, with nested graphs (If, Loop, Scan) by reference. */
export interface Attribute {
  proto: AttributeProto;
  /** `g` or `graphs` of the message; `proto.g` and `proto.graphs` are ignored when writing. */
  graphs: Graph[];
}

const utf8 = new TextDecoder();

/** An operator call. `null` inputs and outputs are the optional ones left out in the file. */
export class Node {
  inputs: (Value | null)[] = [];
  outputs: (Value | null)[] = [];

  constructor(
    readonly graph: Graph,
    public opType: string,
    /** `''` for the standard domain (`ai.onnx` is read as `''`). */
    public domain: string,
    public name: string,
    readonly attributes: Map<string, Attribute>,
    readonly extras: NodeExtras,
  ) {}

  /** Returns true if this is the operator `opType` of the standard domain, or of `domain`. */
  is(opType: string, domain = ''): boolean {
    return this.opType === opType && this.domain === domain;
  }

  /** First input; `null` when absent. */
  get input(): Value | null {
    return this.inputs[0] ?? null;
  }

  /**
   * First output.
   *
   * @throws UserError for a node that leaves it out, as an LSTM or an If may: read `outputs[0]` there.
   */
  get output(): Value {
    const output = this.outputs[0];
    if (output) return output;
    throw new UserError(
      `Expected ${this.opType} node \`${this.name}\` to have a first output, found none.`,
      'graph-no-output',
    );
  }

  int(name: string, otherwise: number): number {
    const i = this.attributes.get(name)?.proto.i;
    return i === undefined ? otherwise : Number(i);
  }

  float(name: string, otherwise: number): number {
    return this.attributes.get(name)?.proto.f ?? otherwise;
  }

  ints(name: string): number[] | null {
    return this.attributes.get(name)?.proto.ints.map(Number) ?? null;
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

  /** Appends an input, which must be visible from this node's graph. */
  connect(value: Value | null): void {
    if (value) value.uses = append(value.uses, { node: this, index: this.inputs.length });
    this.inputs = append(this.inputs, value);
  }

  /** Appends an output to a node that is being built. */
  define(value: Value | null): void {
    if (value) {
      value.producer = this;
      value.outputIndex = this.outputs.length;
    }
    this.outputs = append(this.outputs, value);
  }
}

/** Parts of a node for `Graph.addNode`. */

export interface NewNode {
  opType: string;
  domain?: string;
  inputs: (Value | null)[];
  /** Number of outputs (1), or name hints for them. */
  outputs?: number | string[];
  name?: string;
  attributes?: Record<string, Attribute>;
}

/**
 * A graph by reference, and the edits that build it; `edits.ts` removes and redirects. Every edit checks
 * first and changes afterwards: one that throws leaves the graph as it was. Nodes stand in any order;
 * `toOnnx` sorts them.
 */
export class Graph {
  #inputs: Value[] = [];
  #outputs: Value[] = [];
  /** Values with a tensor, in file order. */
  readonly initializers: Value[] = [];
  readonly nodes = new Set<Node>();

  constructor(
    public name: string,
    /** The node whose attribute this graph is; `null` for the main graph. */
    readonly owner: Node | null,
    readonly names: Names = owner?.graph.names ?? new Names(),
    readonly extras: GraphExtras = { metadataProps: [], sparseInitializer: [], unknown: [] },
  ) {}

  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  /** This graph and the graphs it is nested in, innermost first. */
  get scopes(): Graph[] {
    return [this, ...(this.owner?.graph.scopes ?? [])];
  }

  addInput(name: string, type: ValueType | null): Value {
    const value = new Value(this.names.fresh(name), this, type);
    this.#inputs.push(value);
    value.isInput = true;
    return value;
  }

  /** Makes values of this graph its inputs, in this order, instead of those it has. */
  setInputs(values: readonly Value[]): void {
    for (const value of this.#inputs) value.isInput = false;
    this.#inputs = [...values];
    for (const value of values) value.isInput = true;
  }

  /** Adds an initializer whose name starts with `tensor.name`. */
  addInitializer(tensor: TensorProto): Value {
    const value = new Value(this.names.fresh(tensor.name || 'initializer'), this, tensorType(tensor));
    value.tensor = { ...tensor, name: value.name };
    this.initializers.push(value);
    return value;
  }

  addOutput(value: Value): void {
    if (value.graph !== this) throw new Error(`${value.name} belongs to another graph`);
    if (!value.isOutput) this.#outputs.push(value);
    value.isOutput = true;
  }

  /** Makes values of this graph its outputs, in this order, instead of those it has. */
  setOutputs(values: readonly Value[]): void {
    const foreign = values.find((value) => value.graph !== this);
    if (foreign) throw new Error(`${foreign.name} belongs to another graph`);
    for (const value of this.#outputs) value.isOutput = false;
    this.#outputs = [...values];
    for (const value of values) value.isOutput = true;
  }

  /** @throws Error when an input is not visible from this graph. */
  addNode(spec: NewNode): Node {
    const scopes = this.scopes;
    const foreign = spec.inputs.find((input) => input && !scopes.includes(input.graph));
    if (foreign) {
      throw new Error(`${spec.opType}: input ${foreign.name} belongs to a graph that is not visible here`);
    }
    const node = new Node(
      this,
      spec.opType,
      spec.domain ?? '',
      this.names.fresh(spec.name ?? spec.opType),
      new Map(Object.entries(spec.attributes ?? {})),
      { metadataProps: [], unknown: [] },
    );
    const hints =
      typeof spec.outputs === 'object'
        ? spec.outputs
        : Array.from({ length: spec.outputs ?? 1 }, (_, i) => `${node.name}_output_${i}`);
    for (const input of spec.inputs) node.connect(input);
    for (const hint of hints) node.define(new Value(this.names.fresh(hint), this));
    this.nodes.add(node);
    return node;
  }
}
