import { z } from 'zod';
import { knownData } from '../data/names.js';
import { UserError } from '../errors.js';
import { checkRules } from '../report/gate.js';
import { type Settings, settingsSchema } from '../settings/settings.js';

/**
 * What a request may set. No setting that names a file of the server: data sets go by name, and plugins, tokenizers,
 * baselines and outputs are for whoever starts the server.
 */
const requestSettings = settingsSchema
  .pick({
    split: true,
    tokens: true,
    seqLen: true,
    batchSize: true,
    untilStable: true,
    sites: true,
    layers: true,
    threshold: true,
    firing: true,
    dead: true,
    deadBelow: true,
    device: true,
    checkOutputs: true,
    failOn: true,
    maxDeadRatio: true,
    strict: true,
  })
  .strict();

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
    options: requestSettings.optional(),
  })
  .describe('An audit to start; what is left out is as the server was started with');

export interface AuditRequest {
  model: string;
  settings: Settings;
}

/** @throws UserError that says where the body is not as it should be. */
export function parseRequest(body: unknown): AuditRequest {
  const parsed = auditRequestSchema.safeParse(body ?? {});
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    const where = path.length === 0 ? 'the body' : `\`${path.join('.')}\``;
    throw new UserError(`The request does not fit the schema at ${where}: ${message}.`, 'bad-request');
  }
  const { model, data, options } = parsed.data;
  checkRules(options?.failOn ?? []);
  return { model, settings: { ...(options as Settings), ...(data !== undefined && { data }) } };
}
