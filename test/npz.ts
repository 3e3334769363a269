import { writeFileSync } from 'node:fs';
import { npy, npz } from './data/support.js';

/** Writes float32 arrays as a .npz file; returns its path. */
export function writeNpz(
  path: string,
  arrays: Record<string, { dims: number[]; data: Float32Array }>,
): string {
  const files = Object.entries(arrays).map(([name, { dims, data }]) => [name, npy('<f4', dims, data)]);
  writeFileSync(path, npz(Object.fromEntries(files)));
  return path;
}
