import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/app/doctor.js';
import { renderDiagnosis } from '../../src/cli/commands/doctor.js';
import { PLAIN } from '../../src/report/colors.js';

const diagnosis: Diagnosis = {
  devices: [
    { device: 'cpu', works: true, provider: 'CPUExecutionProvider', detail: 'works', advice: null },
    {
      ...{ device: 'cuda', works: false, provider: 'CUDAExecutionProvider', detail: 'has no provider' },
      advice: `A sentence that is long enough to be broken into two lines where it stands in help:\n  npm rebuild x --and=${'y'.repeat(80)}`,
    },
  ],
  gpu: { gpu: null, driver: null },
  versions: { node: '20.0.0', onnxruntime: '1.30.0' },
  platform: { os: 'linux', arch: 'x64', release: '6.1' },
  cpu: { threads: 2 },
  memory: { totalBytes: 8e9, freeBytes: 4e9 },
  data: { folder: '/nowhere', folderExists: false, hub: 'https://example.org' },
};

describe('a diagnosis', () => {
  const lines = renderDiagnosis(diagnosis, PLAIN).split('\n');

  it('says of each device if it works, and the next step if not', () => {
    expect(lines.slice(0, 3)).toEqual(['Devices', '  ✓ cpu     works', '  ✗ cuda    has no provider']);
  });

  it('breaks sentences, and leaves commands whole to be copied', () => {
    expect(lines.filter((line) => line.length > 80)).toEqual([
      expect.stringMatching(/^ {8}npm rebuild x --and=y+$/),
    ]);
  });

  it('describes the machine and the sources of data', () => {
    const text = lines.join('\n');
    expect(text).toMatch(/CPU +2 threads\n/);
    expect(text).toMatch(/Memory +8\.0 GB, 4\.0 GB free\n/);
    expect(text).toMatch(/GPU +no NVIDIA GPU found\n/);
    expect(text).toMatch(/Data folder +\/nowhere \(AUDIT_DATA_DIR\): there is no such folder\n/);
  });
});
