import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';

const COOKIE = 'audit_session';
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** Whether an address is reachable from this machine alone. */
export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

export interface Auth {
  /** Whether a request may read; a browser shows this by its cookie. */
  reads(request: Request): boolean;
  /** Lets through what carries the token, and answers 401 to the rest. Cookies count for reading only. */
  api: RequestHandler;
  /** Without a token: answers only to names of this machine, so that no web page can reach in by DNS rebinding. */
  host: RequestHandler;
  /** The cookie that a browser gets for the right token; `null` for a wrong one. */
  login(token: string): string | null;
}

export function authentication(token: string | null): Auth {
  const session =
    token === null ? '' : createHmac('sha256', token).update('activation-auditor page').digest('base64url');
  const byHeader = (request: Request) => {
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    return given !== undefined && token !== null && same(given, token);
  };
  const byCookie = (request: Request) => {
    const given = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]*)`).exec(request.get('cookie') ?? '')?.[1];
    return given !== undefined && same(given, session);
  };
  const reads = (request: Request) => token === null || byHeader(request) || byCookie(request);
  return {
    reads,
    api: (request, response, next) => {
      const safe = request.method === 'GET' || request.method === 'HEAD';
      if (safe ? reads(request) : token === null || byHeader(request)) return next();
      response.set('WWW-Authenticate', 'Bearer realm="activation-auditor"');
      next({
        status: 401,
        code: 'unauthorized',
        detail: 'Expected the header `Authorization: Bearer TOKEN`.',
      });
    },
    host: (request, _response, next) => {
      if (token !== null || isLoopback(nameIn(request.get('host') ?? ''))) return next();
      next({
        status: 421,
        code: 'other-host',
        detail: 'Without a token this server answers to localhost only; see `audit serve --token-file`.',
      });
    },
    login: (given) =>
      token !== null && same(given.trim(), token)
        ? `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800`
        : null,
  };
}

/** The name in a Host header: without port and brackets. */
function nameIn(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** In a time that does not tell how much of it is right. */
function same(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(x!, y!);
}
