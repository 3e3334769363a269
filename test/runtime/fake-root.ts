import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Writes files below a folder that stands for `/`; returns the folder. */
export function fakeRoot(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'audit-root-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

export const GIGABYTE = 2 ** 30;

/** `/proc/meminfo` of a machine with 32 GB, of which so many bytes are available. */
export function meminfo(availableBytes: number): string {
  return `MemTotal:       33554432 kB\nMemFree:         1048576 kB\nMemAvailable:   ${availableBytes / 1024} kB\nBuffers:             100 kB\n`;
}
