import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/errors.js';
import type { DeviceCheck } from '../../src/runtime/devices.js';
import { processEndError, RuntimeNotLoaded } from '../../src/runtime/process-end.js';

describe('a process that ended by itself', () => {
  const end = { code: 1, signal: null, log: '' };

  it('was interrupted, if a signal for the whole group ended it', () => {
    expect(processEndError({ ...end, code: null, signal: 'SIGINT' })).toBeInstanceOf(Interrupted);
  });

  it('says the error that ended it, not the version of Node', () => {
    const log = 'file:///a.js:1\n\nTypeError: x is not a function\n    at a.js:1:1\n\nNode.js v20.20.2\n';
    expect(processEndError({ ...end, log }).message).toBe(
      "The session's process ended unexpectedly (exit code 1): TypeError: x is not a function",
    );
  });

  it('says its last line, if it names no error', () => {
    // A name is made harmless for GitHub's runner, which takes `::Error` for a command: see `printable`.
    const log = 'first\nterminate called after throwing an instance of Napi::Error\n';
    expect(processEndError({ code: null, signal: 'SIGABRT', log }).message).toBe(
      "The session's process crashed (signal SIGABRT): terminate called after throwing an instance of Napi\\u003a:Error",
    );
  });

  it('may never have started', () => {
    expect(processEndError({ code: null, signal: null, log: 'spawn EAGAIN' }).message).toBe(
      "The session's process could not be started: spawn EAGAIN",
    );
  });
});

/** The compiled auditor beside a copy of onnxruntime-node that lacks ONNX Runtime's own library. */
describe('a library that the loader does not find', () => {
  const project = mkdtempSync(join(tmpdir(), 'audit-loader-'));
  afterAll(() => rmSync(project, { recursive: true }));
  const compiled = fileURLToPath(new URL('../../dist/src', import.meta.url));
  const addon = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
  const binding = join('bin', 'napi-v6', process.platform, process.arch);

  it.skipIf(process.platform !== 'linux')('is named by doctor, with the next step', () => {
    for (const name of ['errors.js', 'onnx', 'runtime'])
      cpSync(join(compiled, name), join(project, 'src', name), { recursive: true });
    const modules = join(project, 'node_modules');
    const copy = join(modules, 'onnxruntime-node');
    mkdirSync(join(copy, binding), { recursive: true });
    for (const name of ['package.json', 'dist', join(binding, 'onnxruntime_binding.node')])
      cpSync(join(addon, name), join(copy, name), { recursive: true });
    symlinkSync(join(addon, '..', 'onnxruntime-common'), join(modules, 'onnxruntime-common'));
    const script = `
      import { checkDevice } from ${JSON.stringify(join(project, 'src/runtime/devices.js'))};
      console.log(JSON.stringify(await checkDevice('cpu')));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    expect(JSON.parse(output) as DeviceCheck).toEqual({
      device: 'cpu',
      provider: 'CPUExecutionProvider',
      works: false,
      detail: 'ONNX Runtime could not be loaded: libonnxruntime.so.1: cannot open shared object file',
      advice: expect.stringMatching(/^The package onnxruntime-node is incomplete\./),
    });
  });

  it('is an error of its own', () => {
    const log = "Error: libx.so: cannot open shared object file\n  code: 'ERR_DLOPEN_FAILED'\n";
    expect(processEndError({ code: 1, signal: null, log })).toBeInstanceOf(RuntimeNotLoaded);
  });
});
