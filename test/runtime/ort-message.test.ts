import { describe, expect, it } from 'vitest';
import { libraryFailure, loaderFailure, sentence, shortened } from '../../src/runtime/ort-message.js';

describe('sentence', () => {
  it.each([
    [
      '/onnxruntime_src/onnxruntime/core/graph/model.cc:202 onnxruntime::Model::Model(onnx::ModelProto&&, const std::function<void(int)>&) Unsupported model IR version: 99\n',
      'Unsupported model IR version: 99',
    ],
    [
      '/a/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const Config&)::<lambda()> status == Status::Success was false. Failed to get a WebGPU adapter: No supported adapters\n',
      'Failed to get a WebGPU adapter: No supported adapters',
    ],
    [
      'Deserialize tensor w failed.tensorprotoutils.cc:1763 GetExtDataFromTensorProto External initializer: w',
      'Deserialize tensor w failed.External initializer: w',
    ],
    ['Load failed.\n  Twice.\n', 'Load failed. Twice'],
  ])('keeps the meaning of %s', (text, told) => {
    expect(sentence(text)).toBe(told);
  });
});

describe('shortened', () => {
  it('leaves a short text alone', () => {
    expect(shortened('a short text', 12)).toBe('a short text');
  });

  it('ends after a whole word', () => {
    expect(shortened('Node (audit/0.mlp_post/Flatten) was rejected', 35)).toBe(
      'Node (audit/0.mlp_post/Flatten) was …',
    );
    expect(shortened('one, two, three', 9)).toBe('one, two …');
  });

  it('cuts a single word that is longer than a message may be', () => {
    expect(shortened('x'.repeat(1000), 20)).toBe(`${'x'.repeat(20)} …`);
  });

  it('is what every message goes through', () => {
    const told = sentence(`Type Error: ${'word '.repeat(200)}`);
    expect(told.length).toBeLessThanOrEqual(302);
    expect(told).toMatch(/ word …$/);
  });
});

describe('libraryFailure', () => {
  it('names the library that the provider lacks', () => {
    const log =
      '2026-01-01 [E:onnxruntime:, provider_bridge_ort.cc:2167 TryGetProviderInfo_CUDA] Failed to load library /opt/ort/libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file: No such file or directory\n';
    expect(libraryFailure(log)).toBe('libcudnn.so.9: cannot open shared object file');
    expect(libraryFailure('nothing')).toBeUndefined();
  });

  it('leaves the folder of the library out', () => {
    expect(libraryFailure('with error: /a/b/libx.so: undefined symbol: y')).toBe(
      'libx.so: undefined symbol: y',
    );
  });
});

describe('loaderFailure', () => {
  const log = (error: string, code: string): string =>
    `node:internal/modules/cjs/loader:1661\n  return process.dlopen();\n\nError: ${error}\n    at Module.load (node:internal:1266:32) {\n  code: '${code}'\n}\n\nNode.js v20.20.2\n`;

  it.each([
    [
      'libonnxruntime.so.1: cannot open shared object file: No such file or directory',
      'ERR_DLOPEN_FAILED',
      'libonnxruntime.so.1: cannot open shared object file',
    ],
    [
      "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by /a/libonnxruntime.so.1)",
      'ERR_DLOPEN_FAILED',
      "libc.so.6: version `GLIBC_2.38' not found (required by /a/libonnxruntime.so.1)",
    ],
    [
      "Cannot find module '../bin/napi-v6/linux/x64/onnxruntime_binding.node'",
      'MODULE_NOT_FOUND',
      "Cannot find module '../bin/napi-v6/linux/x64/onnxruntime_binding.node'",
    ],
  ])('reads %s', (error, code, expected) => {
    expect(loaderFailure(log(error, code))).toBe(expected);
  });

  it('is none where a process died of something else', () => {
    expect(loaderFailure(log('disk full', 'ENOSPC'))).toBeUndefined();
  });
});
