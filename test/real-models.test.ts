import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Source {
  registry: 'pypi' | 'npm';
  packages: string[];
  files: { name: string; parts?: string[]; resource?: string; sha256: string }[];
}

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const sources: Source[] = JSON.parse(read('models/real/models.json'));
const files = sources.flatMap((source) => source.files);

describe('the list of real models', () => {
  it('names at least 40 different ONNX files', () => {
    const models = files.filter(({ name }) => name.endsWith('.onnx'));
    expect(new Set(models.map(({ sha256 }) => sha256)).size).toBeGreaterThanOrEqual(40);
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
  });

  it('gives every package an exact version, and every file its SHA-256 and where it is', () => {
    for (const { registry, packages } of sources) {
      for (const each of packages) expect(each).toMatch(registry === 'pypi' ? /==\d[\w.]*$/ : /.@\d[\w.]*$/);
    }
    for (const { name, sha256, parts, resource } of files) {
      expect(sha256, name).toMatch(/^[0-9a-f]{64}$/);
      expect(parts?.length ?? resource, name).toBeTruthy();
    }
  });

  it('is checked with the version of ONNX Runtime that the package uses', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const runtime = dependencies['onnxruntime-node']!.replace(/^[^\d]*/, '');
    expect(read('models/real/requirements.txt')).toContain(`onnxruntime==${runtime}`);
  });
});
