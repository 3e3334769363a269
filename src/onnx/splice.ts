/** Bytes `[startBytes, endBytes)` of a file, at least one, that others stand in place of in a copy. */
export interface Splice {
  startBytes: number;
  endBytes: number;
  bytes: Uint8Array;
}

/** By how many bytes a copy with the splices is longer (negative: shorter) than the file. */
export function growthOf(splices: readonly Splice[]): number {
  return splices.reduce(
    (sum, { startBytes, endBytes, bytes }) => sum + bytes.length - endBytes + startBytes,
    0,
  );
}

/**
 * Where bytes of a file come to lie in a copy with the splices: of an offset that lies in none of them.
 *
 * @param splices By increasing offset. An offset takes O(log n).
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

/** The bytes of a file, given in chunks, with the splices (by increasing offset) in their places. */
export async function* spliced(
  chunks: AsyncIterable<Uint8Array>,
  splices: readonly Splice[],
): AsyncGenerator<Uint8Array> {
  let start = 0;
  // Everything before it is written or replaced.
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
