import { type Response, Router } from 'express';
import { UserError } from '../../errors.js';
import type { Service } from '../types.js';
import { sendEvents } from './events.js';
import type { HttpError } from './problem.js';

/**
 * Builds the routes below /api/v1. `openapi.ts` documents each of them, and a test holds the two together.
 */
export function apiRoutes(service: Service): Router {
  const api = Router({ caseSensitive: true });

  api.post('/audits', (request, response) => {
    const job = service.start(request.body);
    response.status(202).location(`/api/v1/audits/${job.id}`).json(job);
  });
  api.get('/audits', (_request, response) => void response.json(service.jobs()));
  api.get('/audits/:id', (request, response) => {
    response.json(service.job(request.params.id) ?? unknownJob(request.params.id));
  });
  api.delete('/audits/:id', (request, response) => {
    response.status(202).json(service.cancel(request.params.id) ?? unknownJob(request.params.id));
  });
  api.get('/audits/:id/events', (request, response) => {
    const { id } = request.params;
    const current = service.job(id) ?? unknownJob(id);
    sendEvents(response, service, { first: [current], wants: (job) => job.id === id, untilEnd: true });
  });
  api.get('/events', (_request, response) => {
    sendEvents(response, service, { first: [], wants: () => true, untilEnd: false });
  });

  api.get('/models', (_request, response) => void response.json(service.models()));
  api.get('/models/:name/report', (request, response) => {
    const { name } = request.params;
    const latest = service.reports(name).at(-1);
    if (!latest) throw new UserError(`There is no report of a model \`${name}\`.`, 'report-unknown');
    sendReport(response, service, latest.id);
  });

  api.get('/reports', (request, response) => {
    const { model } = request.query;
    response.json(service.reports(typeof model === 'string' ? model : undefined));
  });
  api.get('/reports/:id', (request, response) => sendReport(response, service, request.params.id));
  api.get('/diff', async (request, response) => {
    const { old: oldId, new: newId } = request.query;
    if (typeof oldId !== 'string' || typeof newId !== 'string') {
      throw new UserError('Expected two report ids, as in `?old=ID&new=ID`.', 'bad-query');
    }
    for (const id of [oldId, newId]) if (service.reportPath(id) === null) throw unknownReport(id);
    response.type('json').send(await service.diff(oldId, newId));
  });
  return api;
}

/** Sends the report's file as it is: nothing is parsed, whatever its size. */
function sendReport(response: Response, service: Service, id: string): void {
  const path = service.reportPath(id);
  if (path === null) throw unknownReport(id);
  response.type('json').sendFile(path, { dotfiles: 'allow', cacheControl: false });
}

function unknownJob(id: string): never {
  const detail = `There is no audit \`${id}\`; the list is /api/v1/audits.`;
  throw { status: 404, code: 'job-unknown', detail } satisfies HttpError;
}

function unknownReport(id: string): UserError {
  return new UserError(`There is no report \`${id}\`; the list is /api/v1/reports.`, 'report-unknown');
}
