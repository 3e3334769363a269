import { z } from 'zod';
import { UserError } from '../../errors.js';
import { readTextFile } from '../../files/text-files.js';
import { count, SCHEMA_VERSION } from '../../report/schema.js';

/**
 * The sidecar of a stripped model, `out.onnx.strip.json`: what was done, with the bytes to undo it, and the journal of
 * a change in place. While `status` is `pending` the files may hold any mixture of old and new bytes.
 */
export const stripRecordSchema = z.object({
  schemaVersion: z.literal(SCHEMA_VERSION),
  kind: z.literal('strip-record'),
  status: z.enum(['pending', 'applied']),
  tool: z.object({ name: z.string(), version: z.string() }),
  createdAt: z.string(),
  model: z.string().describe('Path of the model that was stripped'),
  options: z.object({ by: z.string(), fraction: z.number(), rounds: z.number() }),
  files: z.array(
    z.object({
      name: z.string().describe("Relative to the sidecar's folder"),
      bytes: count,
      sha256: z.object({ before: z.string(), after: z.string() }),
    }),
  ),
  relocated: z
    .array(z.object({ from: z.string(), to: z.string() }))
    .optional()
    .describe(
      'External data that the output looks for under another name: a changed copy beside the original. The sums of ' +
        'the output before are those of the model with these names',
    ),
  changes: z.array(
    z.object({
      site: z.string(),
      neuron: count,
      round: count,
      reason: z.string(),
      initializer: z.string(),
      scope: z.string(),
      elements: z.array(count).describe('Flat indices of the stored elements that were set to zero'),
      file: count.describe('Index into files'),
      offsets: z.array(count).describe('Where the bytes of each element begin in the file'),
      width: count.describe('Bytes for each element'),
      before: z.base64().describe('Old bytes of all elements, one after the other'),
      after: z.base64(),
    }),
  ),
});

export type StripRecord = z.infer<typeof stripRecordSchema>;

/** @throws UserError when the file is missing or no record. */
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

/** One change a line, so that a record of a million weights can still be looked through. */
export function formatStripRecord({ changes, ...rest }: StripRecord): string {
  const head = JSON.stringify(rest).slice(0, -1);
  const lines = changes.map((change) => JSON.stringify(change)).join(',\n');
  return `${head},"changes":[${lines === '' ? '' : `\n${lines}\n`}]}\n`;
}
