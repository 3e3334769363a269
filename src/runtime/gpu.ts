import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Parts that the CUDA provider needs, as far as this machine has them. */
export interface CudaInstallation {
  /** Name of the GPU; `NVIDIA GPU` if only the driver's files tell of one; `null` without one. */
  gpu: string | null;
  /** Version of the driver and the newest CUDA that it supports; `null` if `nvidia-smi` does not tell. */
  driver: string | null;
  /** Folder that the provider's libraries belong in: that of ONNX Runtime's own. */
  folder: string;
  /** Names of the provider's libraries that are not there. */
  missing: string[];
}

/**
 * Looks for a GPU and the provider's libraries. Starts only `nvidia-smi`, and nothing without an NVIDIA
 * driver.
 */
export async function findCudaInstallation(): Promise<CudaInstallation> {
  const folder = providerFolder();
  const missing = providerLibraries().filter((name) => !existsSync(join(folder, name)));
  return { ...(await findGpu()), folder, missing };
}

/** Returns the version of the onnxruntime-node package that sessions use. */
export function onnxruntimeVersion(): string {
  return JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')).version;
}

/** Returns the folder of ONNX Runtime's native library. */
function providerFolder(): string {
  return join(packageFolder(), 'bin', 'napi-v6', process.platform, process.arch);
}

function packageFolder(): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node'); // finds it, loads nothing
  return join(dirname(main), '..');
}

function providerLibraries(): string[] {
  const names = ['onnxruntime_providers_cuda', 'onnxruntime_providers_shared'];
  return names.map((name) => (process.platform === 'win32' ? `${name}.dll` : `lib${name}.so`));
}

async function findGpu(): Promise<Pick<CudaInstallation, 'gpu' | 'driver'>> {
  const seen = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/dxg'].some((path) => existsSync(path));
  if (!seen && process.platform !== 'win32') return { gpu: null, driver: null };
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  const [gpus, page] = await Promise.all([output('nvidia-smi', query), output('nvidia-smi', [])]);
  const [gpu, driver] = gpus?.split('\n')[0]?.split(', ') ?? [];
  if (!gpu || !driver) return { gpu: existsSync('/dev/nvidiactl') ? 'NVIDIA GPU' : null, driver: null };
  const cuda = /CUDA Version: ([\d.]+)/.exec(page ?? '')?.[1];
  return { gpu, driver: cuda === undefined ? driver.trim() : `${driver.trim()}, CUDA up to ${cuda}` };
}

function output(command: string, args: string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 5000 }, (error, stdout) => resolve(error === null ? stdout : null));
  });
}
