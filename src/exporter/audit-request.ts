import { z } from 'zod';
import { knownData } from '../data/names.js';
import { UserError } from '../errors.js';
import { checkRules } from '../report/gate.js';
import { requestSchema, type Settings } from '../settings/settings.js';

/**
 * Names that splits of data sets have. A request names one of them; it never becomes part of another path.
 */
const split = z
  .enum(['train', 'valid', 'validation', 'val', 'test'])
  .optional()
  .describe('Part of the data set (default: test; all nodes of a graph)');

/** Body of `POST /api/v1/audits`. */
export const auditRequestSchema = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .max(1024)
      .describe('A name of /api/v1/models, or a path below the models folder'),
    data: z
      .enum(Object.keys(knownData) as [string, ...string[]])
      .optional()
      .describe('A data set by name'),
    options: (requestSchema() as z.ZodObject).extend({ split }).optional(),
  })
  .describe('An audit to start; what is left out is as the server was started with');

/** A request that fits the schema: the model's name, and the settings that differ from the server's. */
export interface AuditRequest {
  model: string;
  settings: Settings;
}

/**
 * Reads the body of a request.
 *
 * @throws UserError that names the first place where the body does not fit the schema, or a rule that cannot
 *   be read.
 */
export function parseAuditRequest(body: unknown): AuditRequest {
  const parsed = auditRequestSchema.safeParse(body ?? {});
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const where = path.length === 0 ? 'the body' : `\`${path.join('.')}\``;
    throw new UserError(`The request does not fit the schema at ${where}: ${message}.`, 'bad-request');
  }
  const { model, data } = parsed.data;
  const options = (parsed.data.options ?? {}) as Settings;
  checkRules(options.failOn ?? []);
  return { model, settings: { ...options, ...(data !== undefined && { data }) } };
}
