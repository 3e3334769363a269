import { randomUUID } from 'node:crypto';
import express, { type Express, type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import type { z } from 'zod';
import { CONTENT_TYPES, negotiate } from '../metrics/registry.js';
import type { Log, Service } from '../types.js';
import { apiRoutes } from './api.js';
import { authentication } from './auth.js';
import { openApi } from './openapi.js';
import { pageRoutes } from './page-routes.js';
import { problems } from './problem.js';

export interface AppOptions {
  service: Service;
  log: Log;
  /** Body of `POST /api/v1/audits`. */
  requestSchema: z.ZodType;
  /** Bearer token; `null` switches authentication off. */
  token: string | null;
  /** True if /metrics asks for the token, too. */
  protectMetrics: boolean;
  /** API requests per minute and address. */
  rateLimit: number;
}

/** Bodies are small: a model's name and a few options. */
const BODY_LIMIT = '64kb';

/** Builds the exporter's HTTP side: /metrics, /healthz, /readyz, /api/v1 and the pages. */
export function createApp({
  service,
  log,
  requestSchema,
  token,
  protectMetrics,
  rateLimit: perMinute,
}: AppOptions): Express {
  const auth = authentication(token);
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(requestId, requestLog(log), securityHeaders(), auth.host);
  app.get('/healthz', (_request, response) => void response.type('text').send('ok\n'));
  app.get('/readyz', (_request, response) => {
    const problem = service.problem();
    response
      .status(problem === null ? 200 : 503)
      .type('text')
      .send(`${problem ?? 'ready'}\n`);
  });
  app.get('/metrics', protectMetrics ? auth.api : pass, async (request, response) => {
    const format = negotiate(request.get('accept'));
    // Not `send`: it would add an ETag by hashing the whole body, for a client that never asks by it.
    response.set('Content-Type', CONTENT_TYPES[format]).end(await service.metrics(format));
  });
  const document = openApi(requestSchema);
  app.use('/api', limited(perMinute), auth.api, express.json({ limit: BODY_LIMIT, strict: true }));
  app.get('/api/v1/openapi.json', (_request, response) => void response.json(document));
  app.use('/api/v1', apiRoutes(service));
  app.use(pageRoutes(service, auth, perMinute));
  app.use((request, _response, next) =>
    next({ status: 404, code: 'not-found', detail: `There is nothing at ${request.path}.` }),
  );
  app.use(problems(log));
  return app;
}

const pass: RequestHandler = (_request, _response, next) => next();

function limited(perMinute: number): RequestHandler {
  return rateLimit({
    windowMs: 60_000,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    // Clients that share a proxy's address are the proxy's to limit.
    validate: { xForwardedForHeader: false },
    handler: (_request, _response, next) =>
      next({ status: 429, code: 'rate-limited', detail: `More than ${perMinute} requests in a minute.` }),
  });
}

function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // The server itself speaks plain HTTP; HSTS is for the proxy in front of it.
    strictTransportSecurity: false,
  });
}

/** Takes the client's request id if it is harmless in a log, else makes one. */
const requestId: RequestHandler = (request, response, next) => {
  const header = request.get('x-request-id');
  const id = header !== undefined && /^[\w.-]{1,64}$/.test(header) ? header : randomUUID();
  response.locals.requestId = id;
  response.set('X-Request-Id', id);
  next();
};

function requestLog(log: Log): RequestHandler {
  return (request, response, next) => {
    const start = performance.now();
    const { method, path } = request;
    response.on('close', () => {
      const milliseconds = Math.round((performance.now() - start) * 10) / 10;
      const { requestId } = response.locals;
      log.info({ requestId, method, path, status: response.statusCode, milliseconds }, 'request');
    });
    next();
  };
}
