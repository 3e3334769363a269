import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.js';
import { cudaAdvice, webgpuAdvice } from '../../src/runtime/device-advice.js';
import { checkDevice, pickDevice } from '../../src/runtime/devices.js';
import { findCudaInstallation } from '../../src/runtime/gpu.js';
import { openSession } from '../../src/runtime/session.js';
import { square } from './models.js';

const cuda = await checkDevice('cuda');
const parts = { gpu: 'NVIDIA H100', driver: '580.1, CUDA up to 13.0', folder: '/opt/ort', missing: [] };

describe('pickDevice', () => {
  it('takes the CPU without trying anything', async () => {
    expect(await pickDevice('cpu')).toEqual({ device: 'cpu', provider: 'CPUExecutionProvider', notes: [] });
  });

  it('never picks webgpu by itself, and explains a GPU that it cannot use', async () => {
    const { device, notes } = await pickDevice('auto');
    const { gpu } = await findCudaInstallation();
    expect(device).toBe(cuda.works ? 'cuda' : 'cpu');
    expect(notes).toHaveLength(gpu !== null && !cuda.works ? 1 : 0);
  });

  it.skipIf(cuda.works)('refuses cuda where it does not work, with the next step', async () => {
    const error = await pickDevice('cuda').catch((e) => e);
    expect(error).toBeInstanceOf(UserError);
    expect(error.code).toBe('device-unavailable');
    expect(error.message).toMatch(/^The cuda device does not work here: .+\. .+/);
  });
});

describe('a session on a device that does not work', () => {
  it.skipIf(cuda.works)(
    'is a user error that names the missing library, never a run on the CPU',
    async () => {
      const opening = openSession({ model: square, folder: '/tmp', device: 'cuda', threads: 0 });
      await expect(opening).rejects.toThrow(
        /^The cuda device does not work here: .*`audit doctor`.*`device=cpu`/,
      );
      await expect(opening).rejects.toThrow(UserError);
      const { missing } = await findCudaInstallation();
      if (missing.length > 0) await expect(opening).rejects.toThrow(/: cannot open shared object file/);
    },
  );
});

describe('checkDevice', () => {
  it('finds that the CPU works', async () => {
    expect(await checkDevice('cpu')).toMatchObject({ works: true, advice: null });
  });

  it('gives a reason and a next step where webgpu does not work', async () => {
    const { works, detail, advice } = await checkDevice('webgpu');
    if (!works) expect([detail, advice]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\.$/)]);
    expect(detail).not.toMatch(/\n|onnxruntime_src/);
  });
});

describe('the advice for cuda', () => {
  it('is the CPU where there is no GPU', () => {
    const none = { ...parts, gpu: null, driver: null, missing: ['libonnxruntime_providers_cuda.so'] };
    expect(cudaAdvice(none, '1.30.0')).toBe('No NVIDIA GPU was found here: use `device=cpu`.');
  });

  it('says how to add the provider, for CUDA 12 and 13, and to which folder', () => {
    const text = cudaAdvice({ ...parts, missing: ['libonnxruntime_providers_cuda.so'] }, '1.30.0');
    expect(text).toContain('npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12');
    expect(text).toContain('PyPI wheel onnxruntime-gpu 1.30.0');
    expect(text).toContain('\n  /opt/ort');
  });

  it.each([
    ['libcudnn.so.9: cannot open shared object file', /Install cuDNN 9/],
    ['libcublasLt.so.12: cannot open shared object file', /built for CUDA 12/],
    ['libcudart.so.13: cannot open shared object file', /built for CUDA 13/],
    ['libcufft.so.11: cannot open shared object file', /built for CUDA 12/],
    ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', /nvidia-smi.*too old/],
    ['CUDA failure 100: no CUDA-capable device is detected', /--gpus all/],
  ])('reads %s', (failure, advice) => {
    expect(cudaAdvice(parts, '1.30.0', failure)).toMatch(advice);
  });

  it('knows what WebGPU misses', () => {
    expect(webgpuAdvice("Couldn't load Vulkan: libvulkan.so.1: cannot open")).toMatch(/libvulkan1/);
  });
});
