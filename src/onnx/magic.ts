/** A kind of file that is no ONNX model, known by its first bytes, with advice. */
interface Kind {
  matches: (head: Uint8Array, text: string) => boolean;
  /** Completes "`x` is …". */
  is: string;
  next: string;
}

const exportFirst = 'export the model to ONNX first (e.g. torch.onnx.export)';
const giveOnnx = 'give the .onnx file';

const kinds: Kind[] = [
  {
    matches: (_, text) => text.startsWith('version https://git-lfs.github.com/spec'),
    is: 'a Git LFS pointer, not the model itself',
    next: 'run `git lfs pull`',
  },
  {
    matches: (_, text) => isZip(text) && text.includes('data.pkl'),
    is: 'a PyTorch checkpoint, which holds weights but no graph',
    next: exportFirst,
  },
  {
    matches: (_, text) => isZip(text) && text.includes('.npy'),
    is: 'an archive of NumPy arrays (.npz)',
    next: giveOnnx,
  },
  {
    matches: (_, text) => isZip(text),
    is: 'a zip archive (.keras files are such)',
    next: `unpack it, or ${exportFirst}`,
  },
  {
    matches: (head) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
    is: 'a Python pickle (a PyTorch checkpoint?)',
    next: exportFirst,
  },
  {
    matches: (_, text) => text.startsWith('\x89HDF\r\n\x1a\n'),
    is: 'an HDF5 file (Keras?)',
    next: exportFirst,
  },
  {
    matches: (head, text) => text.slice(8, 10) === '{"' && head[6] === 0 && head[7] === 0,
    is: 'a safetensors file, which holds weights but no graph',
    next: exportFirst,
  },
  { matches: (_, text) => text.slice(4, 8) === 'TFL3', is: 'a TensorFlow Lite model', next: exportFirst },
  {
    matches: (_, text) => text.slice(4, 8) === 'ORTM',
    is: 'a model in ONNX Runtime’s own .ort format',
    next: 'give the .onnx file it was made from',
  },
  {
    matches: (_, text) => text.startsWith('GGUF'),
    is: 'a GGUF file, which holds weights but no graph',
    next: exportFirst,
  },
  { matches: (_, text) => text.startsWith('\x93NUMPY'), is: 'a NumPy array', next: giveOnnx },
  {
    matches: (head) => head[0] === 0x1f && head[1] === 0x8b,
    is: 'gzip-compressed',
    next: 'unpack it with `gunzip`',
  },
  {
    matches: (_, text) => text.startsWith('(\xb5/\xfd'),
    is: 'zstd-compressed',
    next: 'unpack it with `unzstd`',
  },
  {
    matches: (_, text) => /^\s*<(!doctype|html)/i.test(text),
    is: 'a web page',
    next: 'download the file itself',
  },
  { matches: (head) => isText(head), is: 'text', next: giveOnnx },
];

/** First bytes that `recognise` looks at. */
export const HEAD_BYTES = 512;

/**
 * Returns `{ is: "a zip archive (…)", next: "…" }` for a well-known kind of file; `null` for any other. It is
 * called only for files that do not decode, so that no model is refused for its first bytes.
 */
export function recognise(head: Uint8Array): { is: string; next: string } | null {
  const text = Buffer.from(head).toString('latin1');
  const kind = kinds.find(({ matches }) => matches(head, text));
  return kind ? { is: kind.is, next: kind.next } : null;
}

const isZip = (text: string): boolean => text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06');

/** No control characters but white space, and no byte that UTF-8 never has. */
function isText(head: Uint8Array): boolean {
  return (
    head.length > 0 &&
    head.every((byte) => (byte >= 0x20 && byte < 0xf8 && byte !== 0x7f) || (byte >= 9 && byte <= 13))
  );
}
