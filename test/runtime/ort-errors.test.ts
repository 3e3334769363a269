import { describe, expect, it } from 'vitest';
import { RunError, UserError } from '../../src/errors.js';
import { DeviceUnavailable, loadError, runError } from '../../src/runtime/ort-errors.js';

describe('a model that could not be opened', () => {
  const ours =
    'This is an invalid model. In Node, ("audit/2.mlp_post/QuantizeLinear", QuantizeLinear, "", -1) : No Op registered for QuantizeLinear with domain_version of 9';

  it('is the user’s to mend, if a node of the model is rejected', () => {
    const error = loadError('Fatal error: Foo(-1) is not a registered function/op', '', 'cpu', 'gpt2.onnx');
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toBe(
      'ONNX Runtime rejects gpt2.onnx: Fatal error: Foo(-1) is not a registered function/op.',
    );
  });

  it('is a defect to report, if a node of the auditor is rejected', () => {
    const error = loadError(ours, '', 'cpu', 'gpt2.onnx');
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(
      /^ONNX Runtime rejects a node that the auditor added to gpt2\.onnx: .*QuantizeLinear.* please report it/,
    );
  });

  it('is the user’s, if a name in the model only ends in audit/', () => {
    expect(loadError('Node (my-audit/x) is bad', '', 'cpu', 'm')).toBeInstanceOf(UserError);
    expect(loadError('File /srv/audit/m.onnx is bad', '', 'cpu', 'm')).toBeInstanceOf(UserError);
  });

  it('may be a device that does not work: then the missing library is named', () => {
    const log = 'Failed to load library with error: libcudnn.so.9: cannot open shared object file\n';
    const error = loadError('cuda_execution_provider failed', log, 'cuda', 'm') as DeviceUnavailable;
    expect(error).toBeInstanceOf(DeviceUnavailable);
    expect(error.detail).toBe('libcudnn.so.9: cannot open shared object file');
    expect(error.settings).toEqual(['device']);
  });

  it('may be too large', () => {
    const error = loadError('bad_alloc', '', 'cpu', 'gpt2.onnx');
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toMatch(/^Memory ran out while gpt2\.onnx was opened/);
  });
});

describe('a run that failed', () => {
  const at = (name: string, status: string): string =>
    `Non-zero status code returned while running Add node. Name:'${name}' Status Message: ${status}`;

  it('names the node', () => {
    expect(runError(at('Add_3', 'shapes differ.')).message).toBe(
      'The run failed at node `Add_3` (Add): shapes differ.',
    );
  });

  it('is a defect to report, if the node is the auditor’s', () => {
    expect(runError(at('audit/0.mlp_post/Add', 'shapes differ.')).message).toMatch(
      /^The run failed at node `audit\/0\.mlp_post\/Add` \(Add\): shapes differ\. The auditor added this node\. .*report/,
    );
  });

  it('says what to do when memory ran out, also at a node of the auditor', () => {
    const error = runError(at('audit/0.mlp_post/Add', 'Failed to allocate memory for 1000 bytes'));
    expect(error.message).toMatch(/^Memory ran out at node .* Use a smaller `batchSize` or `seqLen`\.$/);
    expect(error.settings).toEqual(['batchSize', 'seqLen']);
  });
});
