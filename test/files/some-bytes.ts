import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Returns a fresh folder. */
export const newFolder = (): string => mkdtempSync(join(tmpdir(), 'audit-files-'));

/** Returns bytes that look random and are the same every time. */
export const someBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 24);
