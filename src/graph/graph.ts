import type { StringStringEntryProto, TensorProto, UnknownFields } from '../onnx/types.js';
import { Names } from './names.js';
import { type Attribute, Node } from './node.js';
import { Value, type ValueType } from './value.js';

/** What a graph carries besides its structure; written back as it was read. */
export interface GraphExtras {
  docString?: string;
  metadataProps: StringStringEntryProto[];
  sparseInitializer: import('../onnx/types.js').SparseTensorProto[];
  unknown: UnknownFields;
}

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
 * A graph by reference. Every edit checks first and changes afterwards: one that throws leaves the graph as it was.
 * Nodes stand in any order; `toOnnx` sorts them.
 */
export class Graph {
  readonly inputs: Value[] = [];
  readonly outputs: Value[] = [];
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

  /** This graph and the graphs it is nested in, innermost first. */
  get scopes(): Graph[] {
    return [this, ...(this.owner?.graph.scopes ?? [])];
  }

  addInput(name: string, type: ValueType | null): Value {
    const value = new Value(this.names.fresh(name), this, type);
    this.inputs.push(value);
    return value;
  }

  /** Adds an initializer whose name starts with `tensor.name`. */
  addInitializer(tensor: TensorProto): Value {
    const name = this.names.fresh(tensor.name || 'initializer');
    const shape = tensor.dims.map(Number);
    const value = new Value(name, this, { elemType: tensor.dataType ?? 0, shape });
    value.tensor = { ...tensor, name };
    this.initializers.push(value);
    return value;
  }

  /** @throws Error when an input is not visible from this graph. */
  addNode(spec: NewNode): Node {
    const scopes = this.scopes;
    for (const input of spec.inputs) {
      if (input && !scopes.includes(input.graph)) {
        throw new Error(`${spec.opType}: input ${input.name} belongs to a graph that is not visible here`);
      }
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
    for (const input of spec.inputs) this.connect(node, input);
    for (const hint of hints) this.define(node, new Value(this.names.fresh(hint), this));
    this.nodes.add(node);
    return node;
  }

  /** @throws Error when another node or an output still reads one of its outputs. */
  removeNode(node: Node): void {
    if (!this.nodes.has(node)) throw new Error(`node ${node.name} is not in graph ${this.name}`);
    for (const output of node.outputs) {
      if (output && (output.uses.length > 0 || output.isOutput)) {
        throw new Error(`node ${node.name} cannot be removed: its output ${output.name} is still read`);
      }
    }
    for (const index of node.inputs.keys()) this.disconnect(node, index);
    for (const nested of node.subgraphs) nested.release();
    this.nodes.delete(node);
  }

  /** Makes input `index` of `node` read `value` instead. */
  setInput(node: Node, index: number, value: Value | null): void {
    if (index < 0 || index >= node.inputs.length) {
      throw new Error(`${node.name} has ${node.inputs.length} inputs, no input ${index}`);
    }
    if (value && !node.graph.scopes.includes(value.graph)) {
      throw new Error(`${node.name}: ${value.name} belongs to a graph that is not visible there`);
    }
    this.disconnect(node, index);
    node.inputs[index] = value;
    value?.uses.push({ node, index });
  }

  /** Every reader of `from` reads `to` from now on, outputs of the graph included. */
  replaceUses(from: Value, to: Value): void {
    if (from === to) return;
    for (const use of from.uses) {
      if (!use.node.graph.scopes.includes(to.graph)) {
        throw new Error(
          `${use.node.name} cannot read ${to.name}: it belongs to a graph that is not visible there`,
        );
      }
    }
    if (from.isOutput && to.graph !== from.graph)
      throw new Error(`${to.name} is not of graph ${from.graph.name}`);
    for (const use of [...from.uses]) this.setInput(use.node, use.index, to);
    const { outputs } = from.graph;
    for (const [i, output] of outputs.entries()) if (output === from) outputs[i] = to;
  }

  addOutput(value: Value): void {
    if (value.graph !== this) throw new Error(`${value.name} belongs to another graph`);
    if (!this.outputs.includes(value)) this.outputs.push(value);
  }

  /** Removes an initializer that nothing reads. @throws Error when it is still read. */
  removeInitializer(value: Value): void {
    if (value.uses.length > 0 || value.isOutput) throw new Error(`initializer ${value.name} is still read`);
    const index = this.initializers.indexOf(value);
    if (index < 0) throw new Error(`${value.name} is no initializer of graph ${this.name}`);
    this.initializers.splice(index, 1);
    value.tensor = null;
  }

  /** Appends an input to a node that is being built. Used by `addNode` and `fromOnnx` only. */
  connect(node: Node, value: Value | null): void {
    value?.uses.push({ node, index: node.inputs.length });
    node.inputs.push(value);
  }

  /** Appends an output to a node that is being built. Used by `addNode` and `fromOnnx` only. */
  define(node: Node, value: Value | null): void {
    if (value) {
      value.producer = node;
      value.outputIndex = node.outputs.length;
    }
    node.outputs.push(value);
  }

  /** Forgets every use this graph's nodes make of outer values. */
  private release(): void {
    for (const node of this.nodes) {
      for (const index of node.inputs.keys()) this.disconnect(node, index);
      for (const nested of node.subgraphs) nested.release();
    }
  }

  private disconnect(node: Node, index: number): void {
    const value = node.inputs[index];
    if (!value) return;
    const at = value.uses.findIndex((use) => use.node === node && use.index === index);
    if (at >= 0) value.uses.splice(at, 1);
    node.inputs[index] = null;
  }
}
