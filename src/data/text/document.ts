/** Stands between two documents. A tokenizer that has an end-of-text token puts it here. */
export const END_OF_DOCUMENT = null;

/** Lines of text, each with its line end, and `END_OF_DOCUMENT` between documents, in handy chunks. */
export type LineChunks = AsyncIterable<(string | typeof END_OF_DOCUMENT)[]>;

/** Cuts a text after its line ends. */
export function documentLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
