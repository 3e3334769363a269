import { z } from 'zod';
import {
  count,
  criterionSchema,
  dataSchema,
  head,
  measured,
  modelSchema,
  place,
  runtimeSchema,
} from '../../report/schema.js';
import { qualityChangeSchema } from '../quality-change.js';

const indices = z.array(count).describe('Indices of neurons, increasing');
const beforeAfter = z.object({ before: count, after: count });

const outputs = z.object({
  positions: count.describe('Positions compared'),
  largestDifference: z.number(),
  largestOutput: z.number(),
  relative: measured.describe('Largest difference over the largest magnitude, of the worst output'),
  tolerance: z.number().nullable().describe('Allowed relative difference; null when --dead was given'),
});

export const pruneReportSchema = z
  .object({
    ...head,
    kind: z.literal('prune'),
    model: modelSchema.describe('Before'),
    data: dataSchema,
    runtime: runtimeSchema.describe('Of the audit before'),
    criterion: criterionSchema,
    options: z.object({
      exact: z.boolean().describe('Only neurons that always had one value; false when --dead was given'),
      align: count.positive().describe('Widths stay multiples of this'),
      only: z.literal('proven').nullable().describe('Which neurons were removed; null: all that could be'),
    }),
    sites: z.array(
      z.object({
        ...place,
        neurons: beforeAfter,
        zero: count.describe('Removed neurons that always were zero'),
        folded: count.describe('Removed neurons whose value, or mean, was added to the next bias'),
        proven: count.describe('Removed neurons that have one value for every input, by interval arithmetic'),
        removed: indices,
        kept: z
          .array(z.object({ reason: z.string(), neurons: indices }))
          .describe('Neurons that could go but stay, each with the reason'),
        refused: z.string().nullable().describe('Reason why no neuron of the site can be removed'),
      }),
    ),
    summary: z.object({
      outcome: z.enum(['pruned', 'nothing-dead', 'nothing-to-remove']),
      removed: count,
      proven: count.describe('Removed neurons that are proven to have one value for every input'),
      parameters: beforeAfter,
      bytes: beforeAfter.describe("Of the model's files"),
      forwardSeconds: z
        .object({ before: z.number(), after: z.number(), positions: count })
        .nullable()
        .describe('Median of a forward pass of one batch'),
    }),
    outputs: outputs.nullable().describe('null when nothing was removed'),
    verification: z
      .object({ data: dataSchema, outputs: outputs.nullable() })
      .nullable()
      .describe('Second data set, of --verify: neurons had the same values there; null without'),
    quality: qualityChangeSchema,
    output: z.object({ path: z.string(), files: z.array(z.object({ name: z.string(), bytes: count })) }),
  })
  .meta({ title: 'Report of pruning by activation-auditor' });

export type PruneReport = z.infer<typeof pruneReportSchema>;
