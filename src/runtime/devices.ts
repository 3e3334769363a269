import { tmpdir } from 'node:os';
import { RunError, UserError } from '../errors.js';
import type { NdArray } from '../onnx/array.js';
import { cudaAdvice, loaderAdvice, webgpuAdvice } from './device-advice.js';
import { findCudaInstallation, onnxruntimeVersion } from './gpu.js';
import { DeviceUnavailable } from './ort-errors.js';
import { RuntimeNotLoaded } from './process-end.js';
import { openSession, providers } from './session.js';
import type { Device } from './types.js';

export interface PickedDevice {
  device: Device;
  /** ONNX Runtime's name of the execution provider. */
  provider: string;
  /** Sentences for the user: why it is not the device that one might expect. */
  notes: string[];
}

export interface DeviceCheck {
  device: Device;
  works: boolean;
  /** Of ONNX Runtime, e.g. `CUDAExecutionProvider`. */
  provider: string;
  /** One line on what works or does not. */
  detail: string;
  /** The next step when it does not work. */
  advice: string | null;
}

/**
 * Picks the device to run on. `auto` is cuda if that works, else cpu, and never webgpu. A device requested by
 * name must work: nothing falls back silently.
 *
 * @throws UserError with the next step if the requested device does not work.
 */
export async function pickDevice(requested: 'auto' | Device): Promise<PickedDevice> {
  if (requested === 'cpu') return { ...onCpu, notes: [] };
  if (requested === 'auto') return pickAutomatically();
  const check = await checkDevice(requested);
  if (check.works) return { device: requested, provider: check.provider, notes: [] };
  const [nextStep = '', ...commands] = check.advice?.split('\n') ?? [];
  throw new UserError(
    `The ${requested} device does not work here: ${check.detail}. ${nextStep}`.trim(),
    'device-unavailable',
    { settings: ['device'], details: commands },
  );
}

async function pickAutomatically(): Promise<PickedDevice> {
  const parts = await findCudaInstallation();
  // Trying costs a process, and nobody expects a GPU where there is neither one nor its provider.
  if (parts.gpu === null && parts.missing.length > 0) return { ...onCpu, notes: [] };
  const check = await checkDevice('cuda');
  if (check.works) return { device: 'cuda', provider: check.provider, notes: [] };
  const note = `The cuda device does not work here: ${check.detail}. Running on the CPU; \`audit doctor\` has the next step.`;
  return { ...onCpu, notes: [note] };
}

const onCpu = { device: 'cpu', provider: providers.cpu } as const;

/** Tries a device for real: a session of one multiplication that must run there. */
export async function checkDevice(device: Device): Promise<DeviceCheck> {
  const check = { device, provider: providers[device] };
  const start = performance.now();
  try {
    await multiplyOn(device);
    const milliseconds = Math.round(performance.now() - start);
    return { ...check, works: true, detail: `works, ready after ${milliseconds} ms`, advice: null };
  } catch (error) {
    if (error instanceof DeviceUnavailable) {
      return { ...check, works: false, detail: error.detail, advice: await advise(device, error.log) };
    }
    if (error instanceof RuntimeNotLoaded) {
      const detail = `ONNX Runtime could not be loaded: ${error.detail}`;
      return { ...check, works: false, detail, advice: loaderAdvice(error.detail) };
    }
    // A broken driver can also crash the process or fail the run.
    if (!(error instanceof UserError || error instanceof RunError)) throw error;
    const detail = error.message.replace(/\.$/, '');
    return { ...check, works: false, detail, advice: await advise(device, detail) };
  }
}

async function multiplyOn(device: Device): Promise<void> {
  const model = Buffer.from(square, 'base64');
  const session = await openSession({ model, folder: tmpdir(), device, threads: 1, exclusive: true });
  try {
    const x: NdArray = { type: 'float32', dims: [2], data: Float32Array.of(3, -4) };
    const { y } = await session.run({ feeds: { x }, fetch: ['y'] });
    if (y?.data[0] !== 9 || y.data[1] !== 16)
      throw new RunError(`The ${device} device computes wrong results.`);
  } finally {
    await session.dispose();
  }
}

/** ONNX, opset 13: y = x·x, float32 [n]. */
const square = 'CAg6PAoOCgF4CgF4EgF5IgNNdWwSBnNxdWFyZVoQCgF4EgsKCQgBEgUKAxIBbmIQCgF5EgsKCQgBEgUKAxIBbkICEA0=';

async function advise(device: Device, failure: string): Promise<string | null> {
  if (device === 'cuda') return cudaAdvice(await findCudaInstallation(), onnxruntimeVersion(), failure);
  return device === 'webgpu' ? webgpuAdvice(failure) : null;
}
