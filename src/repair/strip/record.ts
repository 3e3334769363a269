import { z } from 'zod';
import { UserError } from '../../errors.js';
import { readTextFile } from '../../files/text-files.js';
import { count, SCHEMA_VERSION } from '../../report/schema.js';
import { changedFileSchema } from '../changed-files.js';

const changeSchema = z.object({
  site: z.string(),
  neuron: count,
  round: count,
  reason: z.string(),
  initializer: z.string(),
  scope: z.string(),
  elements: z.array(count).describe('Flat indices of the stored elements that were set to zero'),
  file: count.describe('Index into files'),
  offsets: z.array(count).describe('Where the bytes of each element begin in the file'),
  width: count.positive().describe('Bytes for each element'),
  before: z.base64().describe('Old bytes of all elements, one after the other'),
  after: z.base64(),
});

/**
 * The record of a stripped model, `out.onnx.strip.json`: what was done, with the bytes that undo it. During a
 * change in place it is the journal: while `status` is `pending` the files may hold any mixture of old and
 * new bytes.
 */
const stripRecordSchema = z
  .object({
    schemaVersion: z.literal(SCHEMA_VERSION),
    kind: z.literal('strip-record'),
    status: z.enum(['pending', 'applied']),
    tool: z.object({ name: z.string(), version: z.string() }),
    createdAt: z.string(),
    model: z.string().describe('Path of the model that was stripped'),
    parent: z.string().optional().describe('SHA-256 of the model file that was stripped'),
    options: z.object({ by: z.string(), fraction: z.number(), rounds: z.number() }),
    files: z
      .array(changedFileSchema)
      .min(1)
      .describe("The model first; names relative to the record's folder"),
    relocated: z
      .array(z.object({ from: z.string(), to: z.string() }))
      .optional()
      .describe(
        'External data that the output looks for under another name: a changed copy beside the original. The sums of ' +
          'the output before are those of the model with these names',
      ),
    changes: z.array(changeSchema),
  })
  .superRefine(({ files, changes }, context) => {
    if (new Set(files.map(({ name }) => name)).size < files.length) {
      context.addIssue({ code: 'custom', path: ['files'], message: 'a file is named twice' });
    }
    for (const [i, change] of changes.entries()) {
      const message = faultOf(change, files);
      if (message !== null) context.addIssue({ code: 'custom', path: ['changes', i], message });
    }
  });

export type StripRecord = z.infer<typeof stripRecordSchema>;

/** Says what in a change contradicts the rest of its record; `null` when nothing does. */
function faultOf(
  { elements, file, offsets, width, before, after }: z.infer<typeof changeSchema>,
  files: readonly { name: string; bytes: number }[],
): string | null {
  const size = files[file]?.bytes;
  if (size === undefined) return `there is no file ${file}`;
  if (elements.length !== offsets.length) return `${elements.length} elements have ${offsets.length} offsets`;
  if (offsets.some((offset) => offset + width > size))
    return `an offset lies outside \`${files[file]!.name}\``;
  const expected = offsets.length * width;
  for (const [name, text] of Object.entries({ before, after })) {
    const { length } = Buffer.from(text, 'base64');
    if (length !== expected) return `\`${name}\` has ${length} bytes, expected ${expected}`;
  }
  return null;
}

/** Reads a record. @throws UserError when the file is missing, is no record, or contradicts itself. */
export async function readStripRecord(path: string): Promise<StripRecord> {
  const text = await readTextFile(path);
  const refuse = (why: string) =>
    new UserError(`\`${path}\` is no record of \`audit strip\`: ${why}.`, 'not-a-strip-record');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const parsed = stripRecordSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const { path: at, message } = parsed.error.issues[0]!;
  throw refuse(`${at.join('.')}: ${message}`);
}

/** Writes one change a line, so that a record of a million weights can still be looked through. */
export function formatStripRecord({ changes, ...rest }: StripRecord): string {
  const head = JSON.stringify(rest).slice(0, -1);
  const lines = changes.map((change) => JSON.stringify(change)).join(',\n');
  return `${head},"changes":[${lines === '' ? '' : `\n${lines}\n`}]}\n`;
}
