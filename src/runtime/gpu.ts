import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What there is on this machine of what the CUDA provider needs. */
export interface CudaInstallation {
  /** The GPU's name, `NVIDIA GPU` where only the driver's files tell of one, `null` without one. */
  gpu: string | null;
  /** The driver's version and the newest CUDA it supports, where `nvidia-smi` tells. */
  driver: string | null;
  /** Where the provider's libraries belong: beside ONNX Runtime's own. */
  folder: string;
  /** The provider's libraries that are not there. */
  missing: string[];
}

/** Looks without starting anything but `nvidia-smi`; takes milliseconds where there is no NVIDIA driver. */
export async function findCudaInstallation(): Promise<CudaInstallation> {
  const folder = providerFolder();
  const missing = providerLibraries().filter((name) => !existsSync(join(folder, name)));
  return { ...(await findGpu()), folder, missing };
}

/** Version of the onnxruntime-node package that sessions use. */
export function onnxruntimeVersion(): string {
  return JSON.parse(readFileSync(join(packageFolder(), 'package.json'), 'utf8')).version;
}

/** The folder of ONNX Runtime's native library. */
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
