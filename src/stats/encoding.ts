import { endianness } from 'node:os';
import { UserError } from '../errors.js';
import { ADDITIVE } from './counters.js';
import type { Counters, ValueHistogram } from './types.js';

/** Numbers in a report: base64 of their little-endian bytes. */
interface EncodedArray {
  dtype: 'f64' | 'f32';
  data: string;
}

/** The counters of one site as a report carries them, each of [neurons]. */
export type EncodedCounters = Record<(typeof ADDITIVE)[number] | 'min' | 'max', EncodedArray>;

/** Encodes counts and sums as f64, min and max as f32: `decodeCounters` gives back the same bits. */
export function encodeCounters(counters: Counters): EncodedCounters {
  const additive = ADDITIVE.map((name) => [name, encodeArray(counters[name])] as const);
  return {
    ...(Object.fromEntries(additive) as Record<(typeof ADDITIVE)[number], EncodedArray>),
    min: encodeArray(counters.min),
    max: encodeArray(counters.max),
  };
}

/**
 * Decodes the counters of a report's site.
 *
 * @param rest Parts that the report keeps outside `perNeuron`: positions, and the histogram if there is one.
 * @throws UserError if a vector is not as long as `neurons` says or has another dtype.
 */
export function decodeCounters(
  encoded: EncodedCounters,
  neurons: number,
  rest: { positions: number; histogram: ValueHistogram | null },
  site = 'a site',
): Counters {
  const f64 = (name: (typeof ADDITIVE)[number]): Float64Array => {
    const array = decodeArray(encoded[name]);
    return array instanceof Float64Array ? array : refuse(site, name, 'f64', 'f32');
  };
  const f32 = (name: 'min' | 'max'): Float32Array => {
    const array = decodeArray(encoded[name]);
    return array instanceof Float32Array ? array : refuse(site, name, 'f32', 'f64');
  };
  const counters: Counters = {
    positions: rest.positions,
    fired: f64('fired'),
    positive: f64('positive'),
    saturated: f64('saturated'),
    nonFinite: f64('nonFinite'),
    sum: f64('sum'),
    sumAbs: f64('sumAbs'),
    sumSquares: f64('sumSquares'),
    min: f32('min'),
    max: f32('max'),
    histogram: rest.histogram,
  };
  for (const name of [...ADDITIVE, 'min', 'max'] as const) {
    const { length } = counters[name];
    if (length !== neurons) refuse(site, name, `${neurons} numbers`, `${length}`);
  }
  return counters;
}

/** Encodes numbers as base64, in little-endian order. */
function encodeArray(array: Float64Array | Float32Array): EncodedArray {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  const dtype = array instanceof Float64Array ? 'f64' : 'f32';
  return { dtype, data: littleEndian(Buffer.from(bytes), dtype).toString('base64') };
}

/** Decodes numbers from base64; a trailing part of a number is left out. */
function decodeArray({ dtype, data }: EncodedArray): Float64Array | Float32Array {
  const bytes = littleEndian(Buffer.from(data, 'base64'), dtype);
  const aligned = new Uint8Array(bytes).buffer; // a copy of its own, so that it starts at a multiple of 8
  const length = Math.floor(bytes.length / (dtype === 'f64' ? 8 : 4));
  return dtype === 'f64' ? new Float64Array(aligned, 0, length) : new Float32Array(aligned, 0, length);
}

/** Swaps the bytes in place on a big-endian machine. */
function littleEndian(bytes: Buffer, dtype: 'f64' | 'f32'): Buffer {
  if (endianness() === 'LE') return bytes;
  return dtype === 'f64' ? bytes.swap64() : bytes.swap32();
}

function refuse(site: string, name: string, expected: string, found: string): never {
  throw new UserError(
    `The report is damaged: expected perNeuron.${name} of ${site} to hold ${expected}, found ${found}.`,
    'report-damaged',
  );
}
