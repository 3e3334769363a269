import { z } from 'zod';

/**
 * The shapes that the API hands out. Types, the OpenAPI document and the tests of the answers come from here.
 */

const time = z.iso.datetime();
const share = z.number().min(0).max(1).nullable();
const verdict = z.enum(['passed', 'failed']).nullable();

export const reportEntrySchema = z.object({
  id: z.string().describe('Sorts by time'),
  model: z.string(),
  step: z.number().nullable().describe('Training step of a checkpoint'),
  createdAt: time,
  data: z.string().describe('Data set, its variant and its split; courses are compared on the same data'),
  positions: z.int().nonnegative(),
  deadRatio: share.describe('Of the mlp_post neurons of the model'),
  capacityRatio: share,
  gate: verdict,
  durationSeconds: z.number().nonnegative(),
});

export const jobSchema = z.object({
  id: z.string(),
  model: z.string(),
  step: z.number().nullable(),
  status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
  trigger: z.enum(['api', 'watch', 'schedule']).describe('What asked for it'),
  device: z.string(),
  createdAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
  progress: z
    .object({
      positions: z.int().nonnegative(),
      total: z.int().nonnegative().nullable(),
      elapsedSeconds: z.number().nonnegative(),
    })
    .nullable(),
  stage: z.string().nullable().describe('What a slow step is about, for a person'),
  error: z.string().nullable(),
  report: z.string().nullable().describe('Id of the report, once done'),
});

export const modelEntrySchema = z.object({
  name: z
    .string()
    .describe('Path below the models folder without the extension, or the name of a training run'),
  files: z.array(z.object({ file: z.string(), step: z.number().nullable() })),
  reports: z.int().nonnegative(),
  state: z
    .enum(['not-audited', 'queued', 'running', 'audited', 'failed'])
    .describe('What an audit does now; where none is queued or runs, how the last one ended'),
  failure: z
    .object({
      at: time,
      step: z.number().nullable().describe('Training step of the checkpoint'),
      reason: z.string().describe('The sentence that says why'),
    })
    .nullable()
    .describe('Why the last audit failed; null when it succeeded or there was none'),
  latest: reportEntrySchema.nullable().describe('The last audit that succeeded'),
});

export const problemSchema = z
  .object({
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable machine-readable kind, kebab-case'),
    requestId: z.string(),
  })
  .describe('RFC 9457');

export type ReportEntry = z.infer<typeof reportEntrySchema>;
export type Job = z.infer<typeof jobSchema>;
export type ModelEntry = z.infer<typeof modelEntrySchema>;
export type Problem = z.infer<typeof problemSchema>;

/** Returns true if nothing more will happen to the job. */
export function hasEnded({ status }: Job): boolean {
  return status !== 'queued' && status !== 'running';
}
