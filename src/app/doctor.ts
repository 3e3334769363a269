import { existsSync } from 'node:fs';
import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { checkDevice, type DeviceCheck } from '../runtime/devices.js';
import { type CudaInstallation, findCudaInstallation, onnxruntimeVersion } from '../runtime/gpu.js';

/** Devices that work on this machine, and the next step for those that do not. */
export interface Diagnosis {
  /** cpu, cuda and webgpu, each of them tried. */
  devices: DeviceCheck[];
  gpu: Pick<CudaInstallation, 'gpu' | 'driver'>;
  versions: { node: string; onnxruntime: string };
  platform: { os: string; arch: string; release: string };
  cpu: { threads: number };
  memory: { totalBytes: number; freeBytes: number };
  /** Sources of data and tokenizers. */
  data: { folder: string | null; folderExists: boolean; hub: string };
}

/** Tries every device, and describes the machine. */
export async function doctor(): Promise<Diagnosis> {
  const devices: DeviceCheck[] = [];
  // One after the other, since two drivers that start at once can block each other.
  for (const device of ['cpu', 'cuda', 'webgpu'] as const) devices.push(await checkDevice(device));
  const { gpu, driver } = await findCudaInstallation();
  const folder = process.env.AUDIT_DATA_DIR ?? null;
  return {
    devices,
    gpu: { gpu, driver },
    versions: { node: process.versions.node, onnxruntime: onnxruntimeVersion() },
    platform: { os: process.platform, arch: process.arch, release: release() },
    cpu: { threads: availableParallelism() },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    data: {
      folder,
      folderExists: folder !== null && existsSync(folder),
      hub: process.env.HF_ENDPOINT ?? 'https://huggingface.co',
    },
  };
}
