/** A seeded generator of numbers in [0, 1): the same seed gives the same mutations (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Mutation = (bytes: Buffer, next: () => number) => Buffer;

const at = (bytes: Buffer, next: () => number): number => Math.floor(next() * bytes.length);

/** Places outside the model's folder, as long as what they stand in for. */
const elsewhere = [
  '../../../../etc/passwd',
  '/etc/passwd',
  '..',
  './../secret',
  'a/../../b',
  '\0',
  'C:\\windows',
];

const mutations: Mutation[] = [
  function truncate(bytes, next) {
    return bytes.subarray(0, at(bytes, next));
  },
  function flipBits(bytes, next) {
    for (let n = 1 + Math.floor(next() * 8); n > 0; n--)
      bytes[at(bytes, next)]! ^= 1 << Math.floor(next() * 8);
    return bytes;
  },
  function lieAboutLengths(bytes, next) {
    const start = at(bytes, next);
    bytes.fill(0xff, start, Math.min(bytes.length, start + 1 + Math.floor(next() * 10)));
    return bytes;
  },
  function cutOut(bytes, next) {
    const start = at(bytes, next);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + Math.floor(next() * 200))]);
  },
  function repeat(bytes, next) {
    const start = at(bytes, next);
    const piece = bytes.subarray(start, start + Math.floor(next() * 400));
    return Buffer.concat([bytes.subarray(0, start), piece, piece, bytes.subarray(start)]);
  },
  function renameValues(bytes, next) {
    const text = bytes.toString('latin1');
    const names = [...text.matchAll(/[\w./:]{5,40}/g)];
    const from = names[Math.floor(next() * names.length)];
    const to = names[Math.floor(next() * names.length)];
    if (!from || !to) return bytes;
    bytes.write(to[0].slice(0, from[0].length).padEnd(from[0].length, '_'), from.index, 'latin1');
    return bytes;
  },
  function pointElsewhere(bytes, next) {
    const place = elsewhere[Math.floor(next() * elsewhere.length)]!;
    const found = bytes.indexOf('.data', Math.floor(next() * bytes.length), 'latin1');
    if (found < 0) return bytes;
    const start = Math.max(0, bytes.lastIndexOf('location', found, 'latin1'));
    const value = start + 'location'.length + 2;
    const length = Math.max(0, found + 5 - value);
    if (length > 0 && length < 64) bytes.write(place.padEnd(length, '/').slice(0, length), value, 'latin1');
    return bytes;
  },
];

/** A spoiled copy of a file: one to three mutations after one another. */
export function mutate(original: Buffer, next: () => number): { bytes: Buffer; how: string } {
  let bytes: Buffer = Buffer.from(original);
  const how: string[] = [];
  for (let n = 1 + Math.floor(next() * 3); n > 0 && bytes.length > 0; n--) {
    const mutation = mutations[Math.floor(next() * mutations.length)]!;
    bytes = Buffer.from(mutation(bytes, next));
    how.push(mutation.name);
  }
  return { bytes, how: how.join(', ') };
}
