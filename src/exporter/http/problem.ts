import type { ErrorRequestHandler } from 'express';
import { UserError } from '../../errors.js';
import type { Problem } from '../schema.js';
import type { Log } from '../types.js';
import { page } from './html.js';
import { problemPage } from './pages/problem.js';

/** An error that a route throws: its status, and what the client reads. */
export interface HttpError {
  status: number;
  code: string;
  detail: string;
}

/** Answers errors as RFC 9457 says. What is no fault of the client's is logged, and its cause is not told. */
export function problems(log: Log): ErrorRequestHandler {
  return (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const { status, code, detail } = explain(error);
    const { requestId } = response.locals;
    if (status >= 500) log.error({ requestId, err: error, path: request.path }, 'request failed');
    if (status === 503) response.set('Retry-After', String(RETRY_SECONDS));
    const problem: Problem = { title: TITLES[status] ?? 'Error', status, detail, code, requestId };
    response.status(status);
    // A browser that follows a link names HTML first; what lies below /api is for programs all the same.
    const isForPerson = !request.path.startsWith('/api/') && request.accepts(['json', 'html']) === 'html';
    if (isForPerson) return void response.type('html').send(page(problem.title, problemPage(problem)));
    response.type('application/problem+json').send(JSON.stringify(problem));
  };
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  413: 'Content Too Large',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Status by the code of a UserError; 400 for the others. */
const STATUS: Record<string, number> = {
  'model-unknown': 404,
  'report-unknown': 404,
  'queue-full': 503,
  'diff-busy': 503,
  'state-unwritable': 503,
};

/** Seconds after which a client may try again, as an answer with status 503 says. */
const RETRY_SECONDS = 10;

function explain(error: unknown): HttpError {
  if (error instanceof UserError) {
    return { status: STATUS[error.code] ?? 400, code: error.code, detail: error.message };
  }
  const { status, code, detail, message, type } = error as Record<string, unknown>;
  if (typeof status === 'number' && typeof detail === 'string') return { status, code: String(code), detail };
  // Errors of express and its body parser.
  if (typeof status === 'number' && status < 500) {
    return { status, code: String(type ?? 'bad-request').replaceAll('.', '-'), detail: String(message) };
  }
  return {
    status: 500,
    code: 'internal',
    detail: 'The server failed; its log has the cause under the request id.',
  };
}
