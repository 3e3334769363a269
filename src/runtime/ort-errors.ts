import { RunError, UserError } from '../errors.js';
import { libraryFailure, sentence } from './ort-message.js';
import type { Device } from './types.js';

/** A device other than the CPU was requested by name and does not work. */
export class DeviceUnavailable extends UserError {
  /**
   * @param detail Reason, as part of a sentence.
   * @param log Text of ONNX Runtime's error, and what it wrote to stderr.
   */
  constructor(
    device: Device,
    readonly detail: string,
    readonly log: string,
  ) {
    super(
      `The ${device} device does not work here: ${detail}. Run \`audit doctor\` for what is missing, or use \`device=cpu\`.`,
      'device-unavailable',
      { settings: ['device'] },
    );
  }
}

/**
 * Returns the error for a model that could not be opened.
 *
 * @param text Text of ONNX Runtime's error.
 * @param log What it wrote to stderr.
 * @param name What messages call the model.
 */
export function loadError(text: string, log: string, device: Device, name: string): Error {
  if (device !== 'cpu' && isAboutProvider(text)) {
    return new DeviceUnavailable(device, libraryFailure(log) ?? sentence(text), `${text}\n${log}`);
  }
  if (isAboutMemory(text)) {
    return new RunError(`Memory ran out while ${name} was opened: ${sentence(text)}.`);
  }
  if (isAddedNode(text)) {
    return new RunError(
      `ONNX Runtime rejects a node that the auditor added to ${name}: ${sentence(text)}. ${REPORT}`,
    );
  }
  // The model is input: the user mends what ONNX Runtime refuses in it, so this is no failed run.
  return new UserError(`ONNX Runtime rejects ${name}: ${sentence(text)}.`, 'model-rejected');
}

/** Returns the error for a run that failed. @param text Text of ONNX Runtime's error. */
export function runError(text: string): RunError {
  const node =
    /^Non-zero status code returned while running (\S+) node\. Name:'([^']*)' Status Message: (.*)$/s;
  const [, op, name = '', reason = text] = node.exec(text) ?? [];
  const where = op === undefined ? '' : ` at node \`${name}\` (${op})`;
  if (isAboutMemory(text)) {
    return new RunError(
      `Memory ran out${where}: ${sentence(reason)}. Use a smaller \`batchSize\` or \`seqLen\`.`,
      { settings: ['batchSize', 'seqLen'] },
    );
  }
  const report = isAddedNode(name) ? ` The auditor added this node. ${REPORT}` : '';
  return new RunError(`The run failed${where}: ${sentence(reason)}.${report}`);
}

const REPORT =
  'That is a defect of the auditor and not of the model: please report it, with this message and the opset of the model.';

/** True if a text names a node or value of the overlay: all their names begin so. */
const isAddedNode = (text: string): boolean => /(?<![\w./-])audit\/\w/.test(text);

function isAboutMemory(text: string): boolean {
  return /failed to allocate|bad_alloc|out of memory|CUDA failure 2\b|CUDNN_STATUS_ALLOC_FAILED/i.test(text);
}

function isAboutProvider(text: string): boolean {
  return /AppendExecutionProvider|WebGpuContext|webgpu_context|cuda_execution_provider|CUDA failure|CUDNN|libcud|no CUDA-capable|WebGPU adapter|provider.*not (?:supported|available)|backend not found|disable_cpu_ep_fallback|fallback to CPU EP/i.test(
    text,
  );
}
