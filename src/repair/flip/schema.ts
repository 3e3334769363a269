import { z } from 'zod';
import { count, dataSchema, head, measured, modelSchema, runtimeSchema } from '../../report/schema.js';
import { changedFileSchema } from '../changed-files.js';
import { MODES } from '../destination.js';

const beforeAfter = z.object({ before: count, after: count });

export const flipReportSchema = z
  .object({
    ...head,
    kind: z.literal('flip'),
    model: modelSchema.describe('Before'),
    data: dataSchema,
    runtime: runtimeSchema.describe('Of the last audit'),
    options: z.object({ mode: z.enum(MODES) }),
    layers: z.array(
      z.object({
        id: z.string(),
        stack: z.string(),
        layer: count,
        neurons: count,
        entering: count.describe('Data points alive before the layer, once all layers before it are done'),
        left: z
          .object({ asIs: count, negated: count.nullable() })
          .describe('Of these, how many the layer leaves alive; negated: null where that was not tried'),
        action: z.enum(['kept', 'flipped', 'refused']),
        reason: z.string().nullable().describe('Why a layer that kills more than half was not negated'),
        tensors: z.array(
          z.object({
            initializer: z.string(),
            kind: z.enum(['weight', 'bias']),
            type: z.string(),
            elements: count,
          }),
        ),
        alive: beforeAfter.describe(
          'Data points alive at the layer, in the model as it was and as it is now',
        ),
      }),
    ),
    summary: z.object({
      outcome: z.enum(['flipped', 'nothing-to-flip', 'refused']),
      points: count.describe('Data points, M'),
      alive: beforeAfter.describe('Data points alive after the last layer'),
      aliveShare: z.object({ before: measured, after: measured }),
      guaranteed: count
        .nullable()
        .describe('⌊M / 2^k⌋ for k layers; null where a layer could not be negated'),
      flipped: count.describe('Layers negated'),
      refused: count.describe('Layers that kill more than half and could not be negated'),
      bytesChanged: count,
    }),
    output: z
      .object({
        path: z.string(),
        files: z.array(changedFileSchema),
      })
      .nullable()
      .describe('null when nothing was written'),
  })
  .meta({ title: 'Report of sign flipping by activation-auditor' });

export type FlipReport = z.infer<typeof flipReportSchema>;
