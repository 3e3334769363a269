import { z } from 'zod';
import {
  count,
  criterionSchema,
  dataSchema,
  head,
  modelSchema,
  place,
  runtimeSchema,
} from '../../report/schema.js';
import { changedFileSchema } from '../changed-files.js';
import { MODES } from '../destination.js';
import { qualityChangeSchema } from '../quality-change.js';

const indices = z.array(count).describe('Indices of neurons, increasing');
const beforeAfter = z.object({ before: count, after: count });
const capacity = z.object({
  parameters: count,
  active: count.nullable(),
  pruned: count,
  ratio: z.number().nullable(),
});

export const stripReportSchema = z
  .object({
    ...head,
    kind: z.literal('strip'),
    model: modelSchema.describe('Before'),
    data: dataSchema,
    runtime: runtimeSchema.describe('Of the last audit'),
    criterion: criterionSchema,
    options: z.object({
      by: z.enum(['weight', 'contribution']),
      fraction: z.number(),
      rounds: count.describe('At most'),
      allowShared: z.boolean(),
      mode: z.enum(MODES),
    }),
    rounds: z.array(
      z.object({
        dead: count.describe('Dead neurons before the round'),
        neurons: count.describe('Of these, neurons that lost weights in it'),
        weights: count.describe('Weights set to zero in it'),
        deadAfter: count,
      }),
    ),
    sites: z.array(
      z.object({
        ...place,
        neurons: count,
        dead: beforeAfter,
        stripped: count.describe('Neurons that lost weights'),
        weights: count.describe('Weights set to zero'),
        revived: indices,
        newlyDead: indices,
        stillDead: z.array(z.object({ reason: z.string(), neurons: indices })),
      }),
    ),
    summary: z.object({
      outcome: z.enum(['stripped', 'nothing-dead', 'nothing-to-strip', 'quality-refused']),
      dead: beforeAfter,
      revived: count,
      newlyDead: count,
      strippedNeurons: count,
      weights: count,
      bytesChanged: count,
      capacity: z
        .object({ before: capacity, after: capacity })
        .describe('Active parameters / parameters (%A of Whitaker & Whitley 2023)'),
    }),
    quality: qualityChangeSchema,
    maxQualityLoss: z.number().nullable(),
    output: z
      .object({
        path: z.string(),
        record: z.string().nullable().describe('The sidecar: record and undo; null when nothing was changed'),
        files: z.array(changedFileSchema),
      })
      .nullable()
      .describe('null when nothing was written'),
  })
  .meta({ title: 'Report of synaptic stripping by activation-auditor' });

export type StripReport = z.infer<typeof stripReportSchema>;
