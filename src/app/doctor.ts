import { existsSync } from 'node:fs';
import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { checkDevice, type DeviceCheck } from '../runtime/devices.js';
import { type CudaInstallation, findCudaInstallation, onnxruntimeVersion } from '../runtime/gpu.js';

/** What works on this machine, and the next step for what does not. */
export interface Diagnosis {
  /** cpu, cuda, webgpu, each really tried. */
  devices: DeviceCheck[];
  gpu: Pick<CudaInstallation, 'gpu' | 'driver'>;
  versions: { node: string; onnxruntime: string };
  platform: { os: string; arch: string; release: string };
  cpu: { threads: number };
  memory: { totalBytes: number; freeBytes: number };
  /** Where data and tokenizers come from beside the command line. */
  data: { folder: string | null; folderExists: boolean; hub: string };
}

export async function doctor(): Promise<Diagnosis> {
  const devices: DeviceCheck[] = [];
  // One after the other: two drivers coming up at once can hold each other up.
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
