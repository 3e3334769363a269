import { closeSync, cpSync, mkdtempSync, openSync, readdirSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { openAuditedFile } from '../../../src/measure/audited-model.js';
import { elementBits, elementRange, setElement } from '../../../src/onnx/elements.js';
import { tensorByteRange } from '../../../src/onnx/tensors.js';
import { neuronWeights } from '../../../src/repair/neuron-weights.js';

/**
 * A copy of a model in which some neurons of every MLP have no incoming weights but their bias (of a gated MLP: their
 * gate), so that they are constant on any data. External data beside the model is copied too.
 */
export async function withConstantNeurons(path: string, neurons: readonly number[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'audit-prune-'));
  const stem = basename(path).replace(/\.onnx$/, '');
  for (const name of readdirSync(dirname(path))) {
    if (name === basename(path) || (name.startsWith(`${stem}.`) && /data$/.test(name))) {
      cpSync(join(dirname(path), name), join(folder, name));
    }
  }
  const copy = join(folder, basename(path));
  const { copy: load } = await openAuditedFile({ model: copy });
  for (const { site, weights } of load().sites) {
    if (site !== 'mlp_post') continue;
    for (const ref of weights.filter(({ role }) => role === 'in' || role === 'gate')) {
      const seen = neuronWeights(ref);
      if ('reason' in seen) throw new Error(seen.reason);
      const { codes, fanIn, element, zero } = seen;
      const bits = elementBits(codes.dataType)!;
      const file = openSync(codes.span!.file, 'r+');
      for (const neuron of neurons.filter((n) => n < seen.neurons)) {
        const at = neuron + ref.first;
        for (let i = 0; i < fanIn; i++) {
          const { start, end } = elementRange(bits, element(at, i));
          const bytes = Uint8Array.from(
            tensorByteRange({ ...codes, rawData: undefined as never }, start, end),
          );
          setElement(bytes, bits, bits < 8 ? element(at, i) % (8 / bits) : 0, zero(at, i));
          writeSync(file, bytes, 0, bytes.length, codes.span!.startBytes + start);
        }
      }
      closeSync(file);
    }
  }
  return copy;
}
