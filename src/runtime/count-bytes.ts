/**
 * Counts how often each byte value occurs: float64 [256].
 *
 * Reads eight bytes at a time and counts pairs of them in two tables of 65,536, so that equal neighbours do
 * not wait for each other's store. `bench/count-bytes.ts` compares it with the plain loop.
 */
export function countBytes(bytes: Uint8Array): Float64Array {
  const counts = new Float64Array(256);
  const start = Math.min((4 - (bytes.byteOffset & 3)) & 3, bytes.length);
  const words = bytes.length < pairsPayFrom ? 0 : ((bytes.length - start) >>> 3) * 2;
  const end = words === 0 ? 0 : start + words * 4;
  if (words > 0) {
    countPairs(new Uint32Array(bytes.buffer, bytes.byteOffset + start, words), counts);
    countOneByOne(bytes.subarray(0, start), counts);
  }
  countOneByOne(bytes.subarray(end), counts);
  return counts;
}

/** Number of bytes from which on counting pairs saves more than adding up the tables costs. */
const pairsPayFrom = 1 << 18;

/** Counts of each pair, all 0 between calls. Made once, since a model has a hundred sites a batch. */
const low = new Uint32Array(65_536);
const high = new Uint32Array(65_536);

/** @param words An even number of them. */
function countPairs(words: Uint32Array, counts: Float64Array): void {
  for (let i = 0; i < words.length; i += 2) {
    const first = words[i]!;
    const second = words[i + 1]!;
    low[first & 0xffff]!++;
    high[first >>> 16]!++;
    low[second & 0xffff]!++;
    high[second >>> 16]!++;
  }
  for (let upper = 0; upper < 256; upper++) {
    let inRow = 0;
    for (let lower = 0; lower < 256; lower++) {
      const count = low[(upper << 8) | lower]! + high[(upper << 8) | lower]!;
      if (count === 0) continue;
      inRow += count;
      counts[lower]! += count;
    }
    counts[upper]! += inRow;
  }
  low.fill(0);
  high.fill(0);
}

function countOneByOne(bytes: Uint8Array, counts: Float64Array): void {
  for (let i = 0; i < bytes.length; i++) counts[bytes[i]!]!++;
}
