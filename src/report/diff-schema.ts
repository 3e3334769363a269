import { z } from 'zod';
import { count, criterionSchema, flagCounts, head, measured, place } from './schema.js';

const change = z.object({ old: measured, new: measured, change: measured });
const both = z.object({ old: count, new: count });
const side = z.object({
  model: z.string(),
  path: z.string(),
  createdAt: z.string(),
  graphSha256: z.string(),
  data: z.string(),
  positions: count,
  criterion: criterionSchema,
});

export const diffReportSchema = z
  .object({
    ...head,
    kind: z.literal('diff'),
    old: side,
    new: side,
    sites: z.array(
      z.object({
        ...place,
        neurons: both,
        dead: both,
        deadRatio: change,
        newlyDead: z.array(count).nullable().describe('Indices; null when the numbers of neurons differ'),
        revived: z.array(count).nullable(),
        deadInBoth: z.array(count).nullable(),
        flags: z.record(flagCounts.keyof(), both),
      }),
    ),
    onlyOld: z.array(z.string()).describe('Ids of sites that only the old report has'),
    onlyNew: z.array(z.string()),
    summary: z.object({
      newlyDead: count,
      revived: count,
      deadInBoth: count,
      deadRatio: change.describe('Of the mlp_post neurons of the model'),
    }),
  })
  .meta({ title: 'Difference of two audit reports of activation-auditor' });

export type DiffReport = z.infer<typeof diffReportSchema>;
