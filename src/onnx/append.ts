/**
 * Returns the list with one more value: a short list is copied, a longer one grows in place. An array that
 * begins empty and grows by `push` reserves room for seventeen, which is most of the memory of a model with
 * lists of one or two.
 */
export function append<T>(list: readonly T[], value: T): T[] {
  if (list.length === 0) return [value];
  if (list.length === 1) return [list[0]!, value];
  if (list.length === 2) return [list[0]!, list[1]!, value];
  if (list.length === 3) return [list[0]!, list[1]!, list[2]!, value];
  (list as T[]).push(value);
  return list as T[];
}
