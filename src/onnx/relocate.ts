import { UserError } from '../errors.js';
import { growthOf, type Splice } from '../files/splice.js';
import { type Message, Model } from './schema.js';
import { fileSource } from './source.js';
import { type Cursor, LENGTH_DELIMITED, readLength, readTag, skipValue } from './wire.js';
import { finish, newWriter, prependVarint } from './writer.js';

/** Protobuf messages hold less than 2 GiB. */
const MAX_BYTES = 2 ** 31 - 1;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Returns what to replace in a model file so that its external data has other names: the locations, and the
 * lengths of the messages around them. All else stays as it is, byte for byte. Takes time proportional to the
 * structure: weights are skipped.
 *
 * @param renamed New locations by old ones.
 * @returns By increasing offset.
 * @throws UserError when the result would reach protobuf's limit of 2 GiB; WireError when the file is
 *   damaged.
 */
export function relocate(
  { path, bytes }: { path: string; bytes: number },
  renamed: ReadonlyMap<string, string>,
): Splice[] {
  const source = fileSource(path, path, bytes);
  try {
    const splices = splicesIn({ source, at: 0 }, Model, bytes, renamed);
    if (splices.length > 0 && bytes + growthOf(splices) > MAX_BYTES) {
      throw new UserError(
        `\`${path}\` has ${bytes.toLocaleString('en-US')} bytes, and with a longer name of its external data it would reach the 2 GiB that a protobuf file holds: write to another folder with -o.`,
        'model-too-large',
      );
    }
    return splices;
  } finally {
    source.close();
  }
}

/** Splices of the message from the cursor to `end`. */
function splicesIn(
  cursor: Cursor,
  message: Message,
  end: number,
  renamed: ReadonlyMap<string, string>,
): Splice[] {
  const splices: Splice[] = [];
  while (cursor.at < end) {
    const { number, wireType } = readTag(cursor, end);
    const field = message.byNumber.get(number);
    if (!field?.message || wireType !== LENGTH_DELIMITED) {
      skipValue(cursor, end, wireType);
      continue;
    }
    const lengthAt = cursor.at;
    const innerEnd = readLength(cursor, end);
    const innerStart = cursor.at;
    const inner =
      field.name === 'externalData'
        ? entrySplices(cursor, field.message, innerEnd, renamed)
        : splicesIn(cursor, field.message, innerEnd, renamed);
    const growth = growthOf(inner);
    if (growth !== 0) {
      const bytes = varint(innerEnd - innerStart + growth);
      splices.push({ startBytes: lengthAt, endBytes: innerStart, bytes });
    }
    for (const splice of inner) splices.push(splice);
  }
  return splices;
}

/**
 * The splice of one entry of external_data, if it is a location to change; of a field twice the last one
 * counts.
 */
function entrySplices(
  cursor: Cursor,
  message: Message,
  end: number,
  renamed: ReadonlyMap<string, string>,
): Splice[] {
  let key = '';
  let value = '';
  let at = { startBytes: 0, endBytes: 0 };
  while (cursor.at < end) {
    const { number, wireType } = readTag(cursor, end);
    const name = message.byNumber.get(number)?.name;
    const startBytes = cursor.at;
    if (wireType !== LENGTH_DELIMITED || (name !== 'key' && name !== 'value')) {
      skipValue(cursor, end, wireType);
      continue;
    }
    const endBytes = readLength(cursor, end);
    const text = utf8.decode(cursor.source.copy(cursor.at, endBytes));
    cursor.at = endBytes;
    if (name === 'key') key = text;
    else [value, at] = [text, { startBytes, endBytes }];
  }
  const to = key === 'location' ? renamed.get(value) : undefined;
  if (to === undefined) return [];
  const text = Buffer.from(to);
  return [{ ...at, bytes: Buffer.concat([varint(text.length), text]) }];
}

function varint(value: number): Uint8Array {
  const writer = newWriter();
  prependVarint(writer, value);
  return finish(writer);
}
