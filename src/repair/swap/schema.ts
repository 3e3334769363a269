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
import { qualitySchema } from '../quality-change.js';

export const swapReportSchema = z
  .object({
    ...head,
    kind: z.literal('swap'),
    model: modelSchema.describe('As it is'),
    data: dataSchema,
    runtime: runtimeSchema.describe('Of the audit of the model as it is'),
    criterion: criterionSchema,
    options: z.object({
      alpha: z.number().nullable().describe('Of Leaky ReLU and ELU; null: their own defaults'),
      swapped: z
        .array(z.string())
        .describe('Ids of the mlp_post sites whose activation function was replaced'),
    }),
    variants: z
      .array(
        z.object({
          activation: z.string().nullable().describe('null for the model as it is'),
          sites: z.array(
            z.object({
              ...place,
              activation: z.string().nullable(),
              neurons: count,
              dead: count,
              deadRatio: measured,
              silent: count,
              neverPositive: count,
              constant: count,
            }),
          ),
          deadRatio: measured.describe('Of the mlp_post neurons of all sites here'),
          quality: z.union([qualitySchema, z.object({ reason: z.string() })]),
          worse: measured.describe(
            'Than the model as it is: relative rise of perplexity, or fall of accuracy',
          ),
          output: z.string().nullable().describe('Where the variant was written'),
        }),
      )
      .describe('The model as it is, then each function on the same batches; nothing was retrained'),
    chart: z.string().describe('Dead ratio by layer for each variant, SVG'),
  })
  .meta({ title: 'Comparison of activation functions by activation-auditor' });

export type SwapReport = z.infer<typeof swapReportSchema>;
export type SwapVariant = SwapReport['variants'][number];
