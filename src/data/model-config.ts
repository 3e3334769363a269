import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/**
 * Reads the config.json that exporters put beside a model or in the folder above; returns `{}` when there is
 * none.
 */
export async function modelConfig(modelPath: string): Promise<Record<string, unknown>> {
  const folder = dirname(resolve(modelPath));
  for (const place of [folder, dirname(folder)]) {
    try {
      const value: unknown = JSON.parse(await readFile(join(place, 'config.json'), 'utf8'));
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // Absent or not JSON: it is only a help.
    }
  }
  return {};
}
