import { z } from 'zod';
import { boundsReportSchema } from '../bounds/schema.js';
import { flipReportSchema } from '../repair/flip/schema.js';
import { pruneReportSchema } from '../repair/prune/schema.js';
import { stripReportSchema } from '../repair/strip/schema.js';
import { swapReportSchema } from '../repair/swap/schema.js';
import { diffReportSchema } from './diff-schema.js';
import { auditReportSchema } from './schema.js';

/** The published JSON Schemas (draft 2020-12) by file name; `schema/` holds them, and a test keeps it so. */
export function jsonSchemas(): Record<string, object> {
  return {
    'audit-report.schema.json': jsonSchema(auditReportSchema),
    'bounds-report.schema.json': jsonSchema(boundsReportSchema),
    'diff-report.schema.json': jsonSchema(diffReportSchema),
    'flip-report.schema.json': jsonSchema(flipReportSchema),
    'prune-report.schema.json': jsonSchema(pruneReportSchema),
    'strip-report.schema.json': jsonSchema(stripReportSchema),
    'swap-report.schema.json': jsonSchema(swapReportSchema),
  };
}

/** As readers see it: fields that a later version adds are allowed. */
function jsonSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { io: 'input', reused: 'ref' });
}
