import type { BytePatch } from './patch.js';

/**
 * Returns the same changes by files and increasing offsets, each byte once. Touching patches are joined.
 * Where several patches change one byte after the other, the first `before` and the last `after` count. O(n
 * log n).
 */
export function mergePatches(patches: Iterable<BytePatch>): BytePatch[] {
  const files = new Map<string, BytePatch[]>();
  for (const patch of patches) {
    if (patch.before.length !== patch.after.length) {
      throw new Error(`a patch replaces ${patch.before.length} bytes by ${patch.after.length}`);
    }
    const known = files.get(patch.file);
    if (known) known.push(patch);
    else files.set(patch.file, [patch]);
  }
  return [...files.values()].flatMap((list) => [...runs(list)]);
}

/** Patches of one file in runs of touching bytes. */
function* runs(patches: readonly BytePatch[]): Generator<BytePatch> {
  const order = [...patches.keys()].sort(
    (a, b) => patches[a]!.offsetBytes - patches[b]!.offsetBytes || a - b,
  );
  for (let from = 0; from < order.length; ) {
    let end = endOf(patches[order[from]!]!);
    let to = from + 1;
    for (; to < order.length && patches[order[to]!]!.offsetBytes <= end; to++) {
      end = Math.max(end, endOf(patches[order[to]!]!));
    }
    // In the order they were made: later ones overwrite.
    const members = order.slice(from, to).sort((a, b) => a - b);
    yield joined(
      members.map((i) => patches[i]!),
      patches[order[from]!]!.offsetBytes,
      end,
    );
    from = to;
  }
}

function joined(members: readonly BytePatch[], start: number, end: number): BytePatch {
  if (members.length === 1) return members[0]!;
  const before = new Uint8Array(end - start);
  const after = new Uint8Array(end - start);
  const seen = new Uint8Array(end - start);
  for (const patch of members) {
    const at = patch.offsetBytes - start;
    for (let i = 0; i < patch.before.length; i++) {
      if (!seen[at + i]) before[at + i] = patch.before[i]!;
      seen[at + i] = 1;
      after[at + i] = patch.after[i]!;
    }
  }
  return { file: members[0]!.file, offsetBytes: start, before, after };
}

const endOf = ({ offsetBytes, after }: BytePatch): number => offsetBytes + after.length;
