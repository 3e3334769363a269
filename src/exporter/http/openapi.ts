import { z } from 'zod';
import { diffReportSchema } from '../../report/diff-schema.js';
import { auditReportSchema } from '../../report/schema.js';
import { jobSchema, modelEntrySchema, problemSchema, reportEntrySchema } from '../schema.js';

type Json = Record<string, unknown>;

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json, description: string): Json => ({
  description,
  content: { 'application/json': { schema } },
});
const list = (name: string): Json => ({ type: 'array', items: ref(name) });
const parameter = (name: string, where: 'path' | 'query', description: string, required = true): Json => ({
  name,
  in: where,
  required,
  description,
  schema: { type: 'string' },
});
const problem = (description: string): Json => ({
  description,
  content: { 'application/problem+json': { schema: ref('Problem') } },
});
const events = (description: string): Json => ({
  description,
  content: { 'text/event-stream': { schema: { type: 'string' } } },
});

/** Answers that every route of the API may give. */
const always = { '401': problem('The token is missing or wrong'), '429': problem('Too many requests') };

/**
 * Builds the OpenAPI 3.1 document of the API; schema/openapi.json is a copy of it.
 *
 * @param requestSchema Body of `POST /audits`.
 */
export function openApi(requestSchema: z.ZodType): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'activation-auditor',
      version: '1',
      description: 'Audits of the ONNX models below the folder that `audit serve --models` names.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api/v1' }],
    security: [{ bearer: [] }, {}],
    paths: paths(),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: {
        AuditRequest: schemaOf(requestSchema, 'input'),
        Job: schemaOf(jobSchema),
        ModelEntry: schemaOf(modelEntrySchema),
        ReportEntry: schemaOf(reportEntrySchema),
        Problem: schemaOf(problemSchema),
        AuditReport: schemaOf(auditReportSchema),
        DiffReport: schemaOf(diffReportSchema),
      },
    },
  };
}

function paths(): Json {
  const jobId = parameter('id', 'path', 'Id of the audit');
  const reportId = parameter('id', 'path', 'Id of the report');
  const unknown = { '404': problem('There is no such thing') };
  const get = (operationId: string, summary: string, parameters: Json[], responses: Json): Json => ({
    operationId,
    summary,
    parameters,
    responses: { ...responses, ...always },
  });
  return {
    '/audits': {
      post: {
        operationId: 'startAudit',
        summary: 'Start an audit; it waits for its turn on the device',
        requestBody: { required: true, content: { 'application/json': { schema: ref('AuditRequest') } } },
        responses: {
          '202': {
            ...json(ref('Job'), 'Queued'),
            headers: { Location: { description: 'Where the job is', schema: { type: 'string' } } },
          },
          '400': problem('The body is no request, or the model lies outside the folder'),
          ...unknown,
          '413': problem('The body is too large'),
          '503': problem('The queue is full, or the state folder cannot be written'),
          ...always,
        },
      },
      get: get('listAudits', 'Audits since the server started, newest first', [], {
        '200': json(list('Job'), 'The audits'),
      }),
    },
    '/audits/{id}': {
      get: get('getAudit', 'Status and progress of an audit', [jobId], {
        '200': json(ref('Job'), 'The audit'),
        ...unknown,
      }),
      delete: get('cancelAudit', 'Cancel an audit; nothing half-written stays', [jobId], {
        '202': json(ref('Job'), 'Asked to stop; one that has ended stays as it is'),
        ...unknown,
      }),
    },
    '/audits/{id}/events': {
      get: get('followAudit', 'Progress as server-sent events, until the audit has ended', [jobId], {
        '200': events('Events `job`, each with a Job as data'),
        ...unknown,
      }),
    },
    '/events': {
      get: get('followAll', 'Progress of all audits as server-sent events', [], {
        '200': events('Events `job`, each with a Job as data'),
      }),
    },
    '/models': {
      get: get('listModels', 'Models in the folder, with their last verdict', [], {
        '200': json(list('ModelEntry'), 'The models'),
      }),
    },
    '/models/{name}/report': {
      get: get('latestReport', 'Latest report of a model', [parameter('name', 'path', 'Slashes as %2F')], {
        '200': json(ref('AuditReport'), 'The report'),
        ...unknown,
      }),
    },
    '/reports': {
      get: get(
        'listReports',
        'Stored reports, oldest first',
        [parameter('model', 'query', 'Of this model only', false)],
        {
          '200': json(list('ReportEntry'), 'The reports'),
        },
      ),
    },
    '/reports/{id}': {
      get: get('getReport', 'A stored report', [reportId], {
        '200': json(ref('AuditReport'), 'The report'),
        ...unknown,
      }),
    },
    '/diff': {
      get: get(
        'diffReports',
        'What changed between two stored reports',
        [
          parameter('old', 'query', 'Id of the older report'),
          parameter('new', 'query', 'Id of the newer report'),
        ],
        {
          '200': json(ref('DiffReport'), 'The difference'),
          '400': problem('An id is missing, or the reports cannot be compared'),
          ...unknown,
          '503': problem('Too many comparisons wait'),
        },
      ),
    },
    '/openapi.json': {
      get: get('openapi', 'This document', [], { '200': json({ type: 'object' }, 'OpenAPI 3.1') }),
    },
  };
}

/** Gives a schema with everything inline, so that no reference in it points to another schema. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, reused: 'inline' }) as Json;
  return rest;
}
