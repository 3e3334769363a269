import type { Attribute, Graph } from './graph.js';

/** AttributeProto.AttributeType codes that the auditor writes. */
const FLOAT = 1;
const INT = 2;
const STRING = 3;
const GRAPH = 5;
const INTS = 7;

function attribute(type: number, fields: Partial<Attribute['proto']>): Attribute {
  const proto = { type, floats: [], ints: [], strings: [], tensors: [], graphs: [], unknown: [], ...fields };
  return { proto, graphs: [] };
}

export const intAttribute = (i: number): Attribute => attribute(INT, { i: BigInt(i) });
export const floatAttribute = (f: number): Attribute => attribute(FLOAT, { f });
export const stringAttribute = (s: string): Attribute =>
  attribute(STRING, { s: new TextEncoder().encode(s) });
export const intsAttribute = (ints: number[]): Attribute => attribute(INTS, { ints: ints.map(BigInt) });
export const graphAttribute = (graph: Graph): Attribute => ({ ...attribute(GRAPH, {}), graphs: [graph] });
