import { UserError } from '../../errors.js';
import { documentLines, END_OF_DOCUMENT } from './document.js';
import { fileLines } from './lines.js';

/**
 * Reads the text of a .jsonl file: of each record the field `text`, else its first string field. One record
 * is one document. Blank lines are skipped.
 *
 * @throws UserError naming the line that is not an object with a string in it.
 */
export async function* jsonlLines(path: string): AsyncGenerator<(string | null)[]> {
  let lineNumber = 0;
  let pending = '';
  for await (const lines of fileLines(path)) {
    const chunk: (string | null)[] = [];
    for (const piece of lines) {
      pending += piece;
      if (!piece.endsWith('\n')) continue;
      lineNumber += 1;
      addDocument(chunk, pending, path, lineNumber);
      pending = '';
    }
    if (chunk.length > 0) yield chunk;
  }
  const chunk: (string | null)[] = [];
  addDocument(chunk, pending, path, lineNumber + 1);
  if (chunk.length > 0) yield chunk;
}

function addDocument(chunk: (string | null)[], line: string, path: string, lineNumber: number): void {
  if (line.trim() === '') return;
  chunk.push(...documentLines(recordText(line, path, lineNumber)), END_OF_DOCUMENT);
}

function recordText(line: string, path: string, lineNumber: number): string {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (cause) {
    const found = (cause as Error).message;
    throw new UserError(
      `Line ${lineNumber} of ${path} is not JSON (${found}): a .jsonl file holds one object a line.`,
      'data-bad-jsonl',
      { cause },
    );
  }
  if (typeof record === 'object' && record !== null && !Array.isArray(record)) {
    const fields = record as Record<string, unknown>;
    const text = typeof fields.text === 'string' ? fields.text : Object.values(fields).find(isString);
    if (text !== undefined) return text as string;
  }
  throw new UserError(
    `Line ${lineNumber} of ${path} has no text: expected an object with a string field, best named "text".`,
    'data-bad-jsonl',
  );
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
