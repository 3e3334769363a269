/**
 * Matches a text against a glob in which `*` stands for any text, the empty one included; `**` is the same as
 * `*`.
 *
 * Takes time in proportion to the lengths of both, however many stars there are: the pieces between the stars
 * are looked for from the end, so that the first star gets the longest text that it can have, as in a regular
 * expression.
 *
 * @returns The texts that the stars stand for, in order; `null` if the glob does not match.
 */
export function matchGlob(glob: string, text: string): string[] | null {
  const pieces = glob.split(/\*+/);
  const prefix = pieces[0]!;
  if (pieces.length === 1) return glob === text ? [] : null;
  const suffix = pieces.at(-1)!;
  if (text.length < prefix.length + suffix.length) return null;
  if (!text.startsWith(prefix) || !text.endsWith(suffix)) return null;

  const stars: string[] = [];
  let end = text.length - suffix.length;
  for (const piece of pieces.slice(1, -1).reverse()) {
    const start = end - piece.length < prefix.length ? -1 : text.lastIndexOf(piece, end - piece.length);
    if (start < prefix.length) return null;
    stars.unshift(text.slice(start + piece.length, end));
    end = start;
  }
  return [text.slice(prefix.length, end), ...stars];
}
