import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { isAbsolute, relative } from 'node:path';
import type { Graph } from '../graph/graph.js';
import { DataType } from '../onnx/data-types.js';
import type { OpenedModel } from '../onnx/skeleton.js';
import type { AuditedFile } from './audited-model.js';

/** Facts of a model file: the `model` section of a report. */
export interface ModelFacts {
  name: string;
  path: string;
  files: { name: string; bytes: number; sha256: string | null }[];
  /** SHA-256 of the graph without its weights. */
  graphSha256: string;
  opset: number | null;
  producer: string | null;
  architecture: string | null;
  parameters: number;
}

/** Returns the facts of a model. The hashes of its files are `null`: `hashFiles` finds them. */
export function describeModel({ opened, original }: AuditedFile, name?: string): ModelFacts {
  const { model, architecture } = original;
  return {
    name: name ?? modelName(opened.path),
    path: opened.path,
    files: opened.files.map((file) => ({ name: file.name, bytes: file.bytes, sha256: null })),
    graphSha256: opened.skeletonSha256,
    opset: model.opsets.get('') ?? null,
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' ') || null,
    architecture,
    parameters: countParameters(model.graph),
  };
}

/**
 * Returns the name of a model in reports: its path without extension, relative to the current folder if it
 * lies there.
 */
export function modelName(path: string): string {
  const below = relative(process.cwd(), path);
  const name = below.startsWith('..') || isAbsolute(below) ? path.split(/[/\\]/).slice(-2).join('/') : below;
  return name.replace(/\\/g, '/').replace(/\.(onnx|ort)$/i, '');
}

const weightTypes = new Set<number>([
  DataType.FLOAT,
  DataType.FLOAT16,
  DataType.BFLOAT16,
  DataType.DOUBLE,
  DataType.INT8,
  DataType.UINT8,
  DataType.INT4,
  DataType.UINT4,
]);

/**
 * Counts the elements of all weight tensors: rank 1 and more, no index types, nested graphs and Constant
 * nodes included.
 */
export function countParameters(graph: Graph): number {
  let total = 0;
  const add = (tensor: { dims: bigint[]; dataType?: number } | null): void => {
    if (!tensor || tensor.dims.length === 0 || !weightTypes.has(tensor.dataType ?? 0)) return;
    total += tensor.dims.reduce((product, n) => product * Number(n), 1);
  };
  for (const { tensor } of graph.initializers) add(tensor);
  for (const node of graph.nodes) {
    if (node.is('Constant')) add(node.tensor('value'));
    for (const nested of node.subgraphs) total += countParameters(nested);
  }
  return total;
}

/** Returns the SHA-256 of each file, hex. An aborted signal ends it early with the rest `null`. */
export async function hashFiles(
  files: OpenedModel['files'],
  signal: AbortSignal,
): Promise<(string | null)[]> {
  const hashes: (string | null)[] = [];
  for (const { path } of files) hashes.push(signal.aborted ? null : await hashFile(path, signal));
  return hashes;
}

async function hashFile(path: string, signal: AbortSignal): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal }))
      hash.update(chunk as Buffer);
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
  return hash.digest('hex');
}
