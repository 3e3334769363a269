import { randomUUID } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { UserError } from '../../errors.js';
import { CONTENT_TYPES, negotiate } from '../metrics/registry.js';
import { apiRoutes } from './api.js';
import { authentication } from './auth.js';
import { openApi } from './openapi.js';
import { pageRoutes } from './pages.js';
import type { Problem } from './schema.js';
import type { Log, ServerOptions } from './types.js';

/** Bodies are small: a model's name and a few options. */
const BODY_LIMIT = '64kb';

/** The exporter's HTTP side: /metrics, /healthz, /readyz, /api/v1 and the pages. */
export function createApp(options: ServerOptions): Express {
  const { service, log, token, protectMetrics } = options;
  const auth = authentication(token);
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(requestId, requestLog(log), securityHeaders(), auth.host);
  app.get('/healthz', (_request, response) => void response.type('text').send('ok\n'));
  app.get('/readyz', (_request, response) => {
    const ready = service.ready();
    response
      .status(ready ? 200 : 503)
      .type('text')
      .send(ready ? 'ready\n' : 'starting\n');
  });
  app.get('/metrics', protectMetrics ? auth.api : pass, async (request, response) => {
    const format = negotiate(request.get('accept'));
    // Not `send`: it would add an ETag by hashing the whole body, for a client that never asks by it.
    response.set('Content-Type', CONTENT_TYPES[format]).end(await service.metrics(format));
  });
  const document = openApi(options);
  app.use('/api', limited(options.rateLimit), auth.api, express.json({ limit: BODY_LIMIT, strict: true }));
  app.get('/api/v1/openapi.json', (_request, response) => void response.json(document));
  app.use('/api/v1', apiRoutes(service));
  app.use(pageRoutes(service, auth, options.rateLimit));
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
    // Who is behind a proxy is the proxy's to limit.
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
    // The server itself speaks plain HTTP; HSTS is for the proxy before it.
    strictTransportSecurity: false,
  });
}

const requestId: RequestHandler = (request, response, next) => {
  const given = request.get('x-request-id');
  const id = given !== undefined && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
  response.locals.requestId = id;
  response.set('X-Request-Id', id);
  next();
};

function requestLog(log: Log): RequestHandler {
  return (request, response, next) => {
    const begun = performance.now();
    const { method, path } = request;
    response.on('close', () => {
      const milliseconds = Math.round((performance.now() - begun) * 10) / 10;
      const { requestId } = response.locals;
      log.info({ requestId, method, path, status: response.statusCode, milliseconds }, 'request');
    });
    next();
  };
}

/** Errors as RFC 9457 says; what is no fault of the client's is logged and not told. */
function problems(log: Log): ErrorRequestHandler {
  return (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const { status, code, detail } = explain(error);
    const { requestId } = response.locals;
    if (status >= 500) log.error({ requestId, err: error, path: request.path }, 'request failed');
    const problem: Problem = { title: TITLES[status] ?? 'Error', status, detail, code, requestId };
    response.status(status).type('application/problem+json').send(JSON.stringify(problem));
  };
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  413: 'Content Too Large',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const STATUS: Record<string, number> = { 'model-unknown': 404, 'report-unknown': 404, 'queue-full': 503 };

function explain(error: unknown): { status: number; code: string; detail: string } {
  if (error instanceof UserError) {
    return { status: STATUS[error.code] ?? 400, code: error.code, detail: error.message };
  }
  const { status, code, detail, message, type } = error as Record<string, unknown>;
  if (typeof status === 'number' && typeof detail === 'string') return { status, code: String(code), detail };
  // What express and its body parser throw.
  if (typeof status === 'number' && status < 500) {
    return { status, code: String(type ?? 'bad-request').replaceAll('.', '-'), detail: String(message) };
  }
  return {
    status: 500,
    code: 'internal',
    detail: 'The server failed; its log has the cause under the request id.',
  };
}
