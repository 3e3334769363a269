/**
 * Audits a graph convolution network on a large random graph and says how long it takes and how much memory.
 *
 *   npx tsc -p tsconfig.bench.json && node dist/bench/large-graph.js [--nodes 1000000] [--edges 10000000] [--hidden 16] [--layers 3]
 *
 * `--model FILE` audits another network of x [nodes, features] and edge_index; `--features` must be what it takes.
 *
 * `--no-stream` leaves the edges as they were exported. The graph is written to a .npz chunk by chunk, so that making it needs no memory; the network has random weights and the
 * shape of PyTorch Geometric's export.
 */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { splitMix32 } from '../src/data/arrays/prng.js';
import { measure } from '../src/measure/measure.js';
import { openSubject } from '../src/measure/subject.js';
import { buildBytes } from '../test/build.js';
import { gcnSpec } from '../test/gcn-model.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000000' },
    edges: { type: 'string', default: '10000000' },
    features: { type: 'string', default: '16' },
    hidden: { type: 'string', default: '16' },
    layers: { type: 'string', default: '3' },
    model: { type: 'string' },
    'no-stream': { type: 'boolean', default: false },
    device: { type: 'string', default: 'cpu' },
  },
});
const [nodes, edges, features] = [Number(values.nodes), Number(values.edges), Number(values.features)];
const layers = Number(values.layers);

const folder = mkdtempSync(join(tmpdir(), 'audit-large-graph-'));
try {
  const model = values.model ?? join(folder, 'gcn.onnx');
  if (!values.model) {
    writeFileSync(
      model,
      buildBytes(gcnSpec({ layers, features, hidden: Number(values.hidden), classes: 8 })),
    );
  }
  const data = join(folder, 'graph.npz');
  const writing = seconds(() => writeGraph(data));
  console.log(
    `${nodes.toLocaleString('en')} nodes, ${edges.toLocaleString('en')} edges, ${features} features: ${megabytes(statSync(data).size)} in ${writing.toFixed(1)} s`,
  );
  const streamFrom = values['no-stream'] ? Number.POSITIVE_INFINITY : undefined;
  const subject = await openSubject({ model, data, device: values.device as 'cpu' });
  const { run, smoothing } = await measure(subject, { streamFrom });
  const { seconds: durationSeconds, peakRssBytes } = run;
  const own = process.resourceUsage().maxRSS * 1024;
  console.log(
    `${values.model ?? `${layers} layers of ${values.hidden}`}: audited in ${durationSeconds.toFixed(1)} s; peak memory ${megabytes(peakRssBytes ?? 0)} in the session, ${megabytes(own)} in the parent`,
  );
  for (const { id, dirichletEnergy, distanceToMean, effectiveRank, zeroShare } of smoothing ?? []) {
    console.log(`${id}: ${JSON.stringify({ dirichletEnergy, distanceToMean, effectiveRank, zeroShare })}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Arrays x and edge_index in a zip without compression, generated in chunks of 64 kB or so. */
function writeGraph(path: string): void {
  const file = openSync(path, 'w');
  const entries: { name: string; crc: number; bytes: number; offset: number }[] = [];
  let offset = 0;
  const write = (bytes: Uint8Array): void => {
    writeSync(file, bytes);
    offset += bytes.length;
  };
  const addArray = (name: string, descr: string, dims: number[], chunks: Iterable<Uint8Array>): void => {
    const entry = { name: `${name}.npy`, crc: 0, bytes: 0, offset };
    write(localHeader(entry));
    for (const chunk of [npyHeader(descr, dims)]) count(chunk);
    for (const chunk of chunks) count(chunk);
    function count(chunk: Uint8Array): void {
      entry.crc = crc32(chunk, entry.crc);
      entry.bytes += chunk.length;
      write(chunk);
    }
    // The sizes are known only now: they go back into the header.
    writeSync(file, localHeader(entry), 0, undefined, entry.offset);
    entries.push(entry);
  };
  addArray('x', '<f4', [nodes, features], uniform(nodes * features));
  addArray('edge_index', '<i8', [2, edges], nodeNumbers(2 * edges));
  const start = offset;
  for (const entry of entries) write(centralHeader(entry));
  write(endOfZip(entries.length, offset - start, start));
  closeSync(file);
}

function* uniform(count: number): Iterable<Uint8Array> {
  const next = splitMix32(1);
  for (let left = count; left > 0; left -= 16_384) {
    const chunk = new Float32Array(Math.min(left, 16_384)).map(() => next() / 2 ** 31 - 1);
    yield new Uint8Array(chunk.buffer);
  }
}

function* nodeNumbers(count: number): Iterable<Uint8Array> {
  const next = splitMix32(2);
  for (let left = count; left > 0; left -= 8192) {
    const halves = new Int32Array(2 * Math.min(left, 8192));
    for (let k = 0; k < halves.length; k += 2) halves[k] = Math.floor((next() / 2 ** 32) * nodes);
    yield new Uint8Array(halves.buffer);
  }
}

function npyHeader(descr: string, dims: number[]): Uint8Array {
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims.join(', ')}), }`;
  const header = Buffer.alloc(128, ' ');
  header.write('\x93NUMPY\x01\x00', 0, 'latin1');
  header.writeUInt16LE(118, 8);
  header.write(dict, 10);
  header[127] = 10;
  return header;
}

interface Entry {
  name: string;
  crc: number;
  bytes: number;
  offset: number;
}

/** https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16. */
function localHeader({ name, crc, bytes }: Entry): Uint8Array {
  const header = Buffer.alloc(30 + name.length);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  sizes(header, 14, crc, bytes, name);
  header.write(name, 30);
  return header;
}

function centralHeader({ name, crc, bytes, offset }: Entry): Uint8Array {
  const header = Buffer.alloc(46 + name.length);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(20, 6);
  sizes(header, 16, crc, bytes, name);
  header.writeUInt32LE(offset, 42);
  header.write(name, 46);
  return header;
}

function sizes(header: Buffer, at: number, crc: number, bytes: number, name: string): void {
  header.writeUInt32LE(crc, at);
  header.writeUInt32LE(bytes, at + 4);
  header.writeUInt32LE(bytes, at + 8);
  header.writeUInt16LE(name.length, at + 12);
}

function endOfZip(entries: number, bytes: number, offset: number): Uint8Array {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries, 8);
  end.writeUInt16LE(entries, 10);
  end.writeUInt32LE(bytes, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}

function seconds(job: () => void): number {
  const start = performance.now();
  job();
  return (performance.now() - start) / 1000;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6).toLocaleString('en')} MB`;
}
