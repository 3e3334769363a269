import { existsSync, linkSync } from 'node:fs';
import { UserError } from '../errors.js';
import { isSameFile } from './relocate-data.js';

/** Whether external data lies where the output looks for it. @throws UserError when another file does. */
export function isThere(from: string, to: string): boolean {
  if (isSameFile(to, from)) return true;
  if (!existsSync(to)) return false;
  throw new UserError(
    `\`${to}\` exists and would be written over with the external data of the output: write to another folder with -o.`,
    'output-exists',
  );
}

/** Gives a file a second name, where the file system can; says whether it did. */
export function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
