import { RunError, UserError } from '../errors.js';
import type { Device } from './types.js';

/** A device other than the CPU was asked for by name and does not work. */
export class DeviceUnavailable extends UserError {
  /**
   * @param detail Why, as part of a sentence.
   * @param log What ONNX Runtime said and wrote to stderr.
   */
  constructor(
    device: Device,
    readonly detail: string,
    readonly log: string,
  ) {
    super(
      `The ${device} device does not work here: ${detail}. Run \`audit doctor\` for what is missing, or use \`--device cpu\`.`,
      'device-unavailable',
    );
  }
}

/** What ONNX Runtime said when a model was opened, as the error a user gets. `log`: what it wrote to stderr. */
export function loadError(text: string, log: string, device: Device, name: string): Error {
  if (device !== 'cpu' && isAboutProvider(text)) {
    return new DeviceUnavailable(device, libraryFailure(log) ?? sentence(text), `${text}\n${log}`);
  }
  if (isAboutMemory(text)) {
    return new RunError(`Memory ran out while ${name} was opened: ${sentence(text)}.`);
  }
  // The model is input: what ONNX Runtime refuses in it is the user's to mend, not a failed run.
  return new UserError(`ONNX Runtime rejects ${name}: ${sentence(text)}.`, 'model-rejected');
}

/** What ONNX Runtime said when a run failed. */
export function runError(text: string): RunError {
  const node =
    /^Non-zero status code returned while running (\S+) node\. Name:'([^']*)' Status Message: (.*)$/s;
  const [, op, name, reason = text] = node.exec(text) ?? [];
  const where = op === undefined ? '' : ` at node \`${name}\` (${op})`;
  if (isAboutMemory(text)) {
    return new RunError(
      `Memory ran out${where}: ${sentence(reason)}. Use a smaller \`--batch-size\` or \`--seq-len\`.`,
    );
  }
  return new RunError(`The run failed${where}: ${sentence(reason)}.`);
}

/** The meaningful part of an ONNX Runtime message: no source locations, no C++ signature, no final full stop. */
export function sentence(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  const told = withoutCppLocation(flat)
    .replace(/\b\w+\.(?:cc|h|cu):\d+ \w+ /g, '')
    .replace(/^Error: /, '')
    .replace(/[.\s]+$/, '');
  return told.length > longestTold ? `${told.slice(0, longestTold)}…` : told;
}

const longestTold = 300;

/** The library that could not be loaded, from the log: `libcudnn.so.9: cannot open shared object file`. */
export function libraryFailure(log: string): string | undefined {
  const found = /with error: (.*)/.exec(log)?.[1];
  return found
    ?.split('/')
    .at(-1)
    ?.replace(/: No such file or directory\s*$/, '')
    .trim();
}

/** ORT_THROW and ORT_ENFORCE begin with `file.cc:line return-type name(parameters) [condition was false. ]`. */
function withoutCppLocation(text: string): string {
  if (!/^\S+\.(?:cc|h|cu|hpp|cpp):\d+ /.test(text)) return text;
  const condition = text.indexOf(' was false. ');
  if (condition >= 0) return text.slice(condition + ' was false. '.length);
  let depth = 0;
  for (let i = text.indexOf('('); i >= 0 && i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    if (depth === 0)
      return text.slice(i + 1).replace(/^(?:::<lambda\(.*?\)>| const| noexcept| \[with .*?\])*\s*/, '');
  }
  return text;
}

function isAboutMemory(text: string): boolean {
  return /failed to allocate|bad_alloc|out of memory|CUDA failure 2\b|CUDNN_STATUS_ALLOC_FAILED/i.test(text);
}

function isAboutProvider(text: string): boolean {
  return /AppendExecutionProvider|WebGpuContext|webgpu_context|cuda_execution_provider|CUDA failure|CUDNN|libcud|no CUDA-capable|WebGPU adapter|provider.*not (?:supported|available)|backend not found|disable_cpu_ep_fallback|fallback to CPU EP/i.test(
    text,
  );
}
