/**
 * Entry point of a session's process, and the only importer of onnxruntime-node. `session.run` blocks this
 * process and never its parent, and the parent may kill it at any moment.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import ort from 'onnxruntime-node';
import type { ArrayData, NdArray } from '../onnx/array.js';
import { countBytes } from './count-bytes.js';
import type { Answer, NumberedRequest, OpenedSession } from './protocol.js';
import type { RunRequest, SessionOptions, TensorInfo } from './types.js';

const parentPid = Number(process.argv[2]);

let session: ort.InferenceSession | undefined;
let last: Promise<void> = Promise.resolve();
/** Inputs of the run before. */
let held: Record<string, ort.Tensor> = {};

// The terminal sends Ctrl-C to the whole process group; the parent decides what to do about it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', endNow);
process.on('message', (numbered: NumberedRequest) => {
  last = last.then(() => answer(numbered));
});
const watching = endWithParent();

async function answer({ id, request }: NumberedRequest): Promise<void> {
  let outcome: { opened: OpenedSession } | { result: Record<string, NdArray> } | { error: string };
  try {
    outcome =
      request.kind === 'open'
        ? { opened: await open(request.options) }
        : { result: await run(request.request, request.unchanged) };
  } catch (error) {
    outcome = { error: error instanceof Error ? error.message : String(error) };
  }
  const peakRssBytes = process.resourceUsage().maxRSS * 1024;
  const reply: Answer = { id, peakRssBytes, ...outcome };
  process.send?.(reply);
}

async function open(options: SessionOptions): Promise<OpenedSession> {
  ort.env.logLevel = 'error';
  session = await ort.InferenceSession.create(options.model, {
    executionProviders: [options.device],
    graphOptimizationLevel: options.optimization ?? 'all',
    logSeverityLevel: 3,
    ...(options.threads > 0 && { intraOpNumThreads: options.threads }),
    extra: {
      session: {
        model_external_initializers_file_folder_path: options.folder,
        set_denormal_as_zero: '1',
        ...(options.exclusive && options.device !== 'cpu' && { disable_cpu_ep_fallback: '1' }),
      },
    },
  });
  // The watch runs before a run can block this thread.
  await watching;
  return { outputs: session.outputMetadata.map(infoOf), onnxruntime: ort.env.versions.node ?? '' };
}

function infoOf(metadata: ort.InferenceSession.ValueMetadata): TensorInfo {
  if (!metadata.isTensor) return { name: metadata.name, type: '', shape: [] };
  const { name, type, shape } = metadata;
  return { name, type, shape: shape.map((dim) => (dim === '' ? null : dim)) };
}

async function run(
  { feeds, fetch, count = [] }: RunRequest,
  unchanged: string[],
): Promise<Record<string, NdArray>> {
  if (session === undefined) throw new Error('no session is open');
  const tensors: Record<string, ort.Tensor> = {};
  for (const name of unchanged) tensors[name] = held[name]!;
  for (const [name, { type, dims, data }] of Object.entries(feeds)) {
    tensors[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims);
  }
  held = tensors;
  const counted = new Set(count);
  const outputs = await session.run(tensors, [...new Set([...fetch, ...count])]);
  const result: Record<string, NdArray> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    result[name] = counted.has(name) ? countsOf(name, tensor) : toArray(name, tensor);
  }
  return result;
}

function countsOf(name: string, tensor: ort.Tensor): NdArray {
  if (!(tensor.data instanceof Uint8Array)) throw new Error(`output ${name} is ${tensor.type}, not uint8`);
  return { type: 'float64', dims: [256], data: countBytes(tensor.data) };
}

function toArray(name: string, { type, dims, data }: ort.Tensor): NdArray {
  if (type === 'string' || Array.isArray(data)) throw new Error(`output ${name} holds strings`);
  if (type === 'int4' || type === 'uint4') throw new Error(`output ${name} holds ${type}`);
  // From Node 24 on float16 arrives as Float16Array; everywhere else the 16 bits are what counts.
  const bits = type === 'float16' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data;
  return { type, dims: [...dims], data: bits as ArrayData };
}

/**
 * Starts a thread that ends this process when its parent is gone: a parent that was killed says no goodbye,
 * and a blocked process sees no `disconnect`. Resolves when the thread runs.
 */
async function endWithParent(): Promise<void> {
  const watch = `setInterval(() => {
    if (process.ppid !== ${parentPid}) process.kill(process.pid, 'SIGKILL');
  }, 250)`;
  if (process.platform === 'win32') return;
  const thread = new Worker(watch, { eval: true, stdout: true, stderr: true });
  await once(thread, 'online');
  thread.unref();
}

/** Runs no exit handlers and no native destructors: they wait for threads that may be busy, or abort. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}
