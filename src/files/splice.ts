/**
 * One replacement: in the copy, `bytes` stand where the source has `[startBytes, endBytes)`: at least one
 * byte.
 */
export interface Splice {
  startBytes: number;
  endBytes: number;
  bytes: Uint8Array;
}

/** Returns by how many bytes the copy is longer than the source; negative if it is shorter. */
export function growthOf(splices: readonly Splice[]): number {
  return splices.reduce(
    (sum, { startBytes, endBytes, bytes }) => sum + bytes.length - endBytes + startBytes,
    0,
  );
}

/**
 * Returns a function that maps an offset in the source to the same byte's offset in the copy, in O(log n).
 * The offset must not lie inside a replacement.
 *
 * @param splices By increasing offset.
 */
export function shiftBy(splices: readonly Splice[]): (offsetBytes: number) => number {
  const growth = [0];
  for (const splice of splices) growth.push(growth.at(-1)! + growthOf([splice]));
  return (offsetBytes) => {
    let [low, high] = [0, splices.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (splices[middle]!.endBytes <= offsetBytes) low = middle + 1;
      else high = middle;
    }
    return offsetBytes + growth[low]!;
  };
}

/**
 * Yields the bytes of the copy.
 *
 * @param chunks The source, in order.
 * @param splices By increasing offset.
 */
export async function* spliced(
  chunks: AsyncIterable<Uint8Array>,
  splices: readonly Splice[],
): AsyncGenerator<Uint8Array> {
  let start = 0;
  /** The source before this offset is written or replaced. */
  let done = 0;
  let next = 0;
  for await (const chunk of chunks) {
    const end = start + chunk.length;
    for (; next < splices.length && splices[next]!.startBytes < end; next++) {
      const { startBytes, endBytes, bytes } = splices[next]!;
      if (startBytes > done) yield chunk.subarray(done - start, startBytes - start);
      yield bytes;
      done = endBytes;
    }
    if (done < end) yield chunk.subarray(done - start);
    done = Math.max(done, end);
    start = end;
  }
}
