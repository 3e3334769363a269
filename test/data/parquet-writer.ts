/**
 * A parquet file with one required string column, plain and uncompressed, one page a row group: enough to stand in
 * for the hub's files. Thrift compact protocol, https://parquet.apache.org/docs/file-format/
 */
export function parquet(groups: string[][], column = 'text'): Uint8Array {
  const parts: Buffer[] = [Buffer.from('PAR1')];
  let offset = 4;
  const rowGroups = groups.map((texts) => {
    const values = Buffer.concat(texts.map(plain));
    const dataHeader = struct([
      [1, i32(texts.length)],
      [2, i32(0)],
      [3, i32(3)],
      [4, i32(3)],
    ]);
    const header = struct([
      [1, i32(0)],
      [2, i32(values.length)],
      [3, i32(values.length)],
      [5, { type: 12, bytes: dataHeader }],
    ]);
    const page = Buffer.concat([header, values]);
    parts.push(page);
    const start = offset;
    offset += page.length;
    const meta = struct([
      [1, i32(6)],
      [2, list(5, [zigzag(0)])],
      [3, list(8, [text(column)])],
      [4, i32(0)],
      [5, i64(texts.length)],
      [6, i64(page.length)],
      [7, i64(page.length)],
      [9, i64(start)],
    ]);
    const chunk = struct([
      [2, i64(start)],
      [3, { type: 12, bytes: meta }],
    ]);
    return struct([
      [1, list(12, [chunk])],
      [2, i64(page.length)],
      [3, i64(texts.length)],
    ]);
  });
  const root = struct([
    [4, { type: 8, bytes: text('schema') }],
    [5, i32(1)],
  ]);
  const leaf = struct([
    [1, i32(6)],
    [3, i32(0)],
    [4, { type: 8, bytes: text(column) }],
    [6, i32(0)],
  ]);
  const rows = groups.reduce((sum, texts) => sum + texts.length, 0);
  const footer = struct([
    [1, i32(1)],
    [2, list(12, [root, leaf])],
    [3, i64(rows)],
    [4, list(12, rowGroups)],
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([...parts, footer, length, Buffer.from('PAR1')]);
}

interface Field {
  type: number;
  bytes: Buffer;
}

function struct(fields: [id: number, field: Field][]): Buffer {
  let last = 0;
  const parts = fields.map(([id, { type, bytes }]) => {
    const head = Buffer.from([((id - last) << 4) | type]);
    last = id;
    return Buffer.concat([head, bytes]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function list(type: number, items: Buffer[]): Field {
  const head =
    items.length < 15
      ? Buffer.from([(items.length << 4) | type])
      : Buffer.concat([Buffer.from([0xf0 | type]), varint(items.length)]);
  return { type: 9, bytes: Buffer.concat([head, ...items]) };
}

const i32 = (value: number): Field => ({ type: 5, bytes: zigzag(value) });
const i64 = (value: number): Field => ({ type: 6, bytes: zigzag(value) });
const zigzag = (value: number): Buffer => varint(value * 2);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

function text(value: string): Buffer {
  return Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)]);
}

function plain(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(value)]);
}
