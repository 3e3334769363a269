import type { CudaInstallation } from './gpu.js';

/**
 * Returns the next step of a person who wants the CUDA device: one paragraph per step, commands on lines of
 * their own.
 *
 * @param failure Text of ONNX Runtime's error when the provider was tried.
 */
export function cudaAdvice(parts: CudaInstallation, version: string, failure = ''): string {
  if (parts.gpu === null && parts.missing.length > 0) {
    return 'No NVIDIA GPU was found here: use `device=cpu`.';
  }
  if (parts.missing.length > 0) return addProvider(parts, version);
  const library = /lib(cudnn|cublas|cudart|cufft|curand|nvrtc|nvJitLink)\w*\.so\.(\d+)/.exec(failure);
  if (library?.[1] === 'cudnn') {
    return `Install cuDNN ${library[2]} for your CUDA version, and make its folder known: put it in LD_LIBRARY_PATH, or run \`ldconfig\`.`;
  }
  if (library) {
    return `The provider in ${parts.folder} was built for CUDA ${cudaOf(library[1]!, library[2]!)}: install that runtime and put its folder in LD_LIBRARY_PATH, or replace the provider by one for the CUDA version that is installed here.`;
  }
  if (
    /insufficient|no CUDA-capable|CUDA failure (?:35|100|999|803|804)\b/i.test(failure) ||
    parts.gpu === null
  ) {
    return 'Check that `nvidia-smi` works; in a container, that it was started with its GPUs (`docker run --gpus all`). A driver too old for the CUDA runtime has to be updated.';
  }
  return 'Check that `nvidia-smi` works and that the CUDA runtime and cuDNN 9 are in LD_LIBRARY_PATH.';
}

function addProvider({ folder, gpu, driver }: CudaInstallation, version: string): string {
  return [
    `There is a GPU (${gpu}${driver ? `, driver ${driver}` : ''}), but the npm package does not hold the CUDA provider. To add it, with CUDA 12 and cuDNN 9:`,
    '  npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12',
    `With CUDA 13, take libonnxruntime_providers_cuda.so and libonnxruntime_providers_shared.so from the PyPI wheel onnxruntime-gpu ${version} and put them into`,
    `  ${folder}`,
  ].join('\n');
}

/**
 * Returns the CUDA version that a library's own number stands for: cuFFT counts one below, cuRAND stays at
 * 10.
 */
function cudaOf(library: string, number: string): string {
  if (library === 'curand') return '12 or 13';
  return library === 'cufft' ? String(Number(number) + 1) : number;
}

/** Returns the next step of a person who wants the WebGPU device. */
export function webgpuAdvice(failure: string): string {
  if (/libvulkan/.test(failure)) {
    return 'Install the Vulkan loader (Debian and Ubuntu: `apt install libvulkan1`) and a Vulkan driver for the GPU.';
  }
  return 'WebGPU needs a GPU with a Vulkan, Metal or Direct3D 12 driver.';
}

/** Returns the next step of a person whose ONNX Runtime could not be loaded at all. */
export function loaderAdvice(failure: string): string {
  if (/GLIBC|ld-linux|libc\.musl|Error relocating/.test(failure)) {
    return "ONNX Runtime's library needs a newer glibc than this system has (Alpine Linux has none): use a current Debian, Ubuntu or Fedora, or an image that is built on one.";
  }
  if (/onnxruntime/.test(failure)) {
    return [
      'The package onnxruntime-node is incomplete. Install it anew; the variable keeps its install script from downloading CUDA libraries:',
      '  rm -r node_modules/onnxruntime-node; ONNXRUNTIME_NODE_INSTALL=skip npm install',
    ].join('\n');
  }
  return "Install the library that is named with your system's package manager.";
}
