import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';

const COOKIE = 'audit_session';
const loopback = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** Returns true if an address is reachable from this machine alone. */
export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

export interface Auth {
  /** Returns true if a request may read: by the token, or by a browser's cookie. */
  reads(request: Request): boolean;
  /**
   * Lets requests with the token through, and answers 401 to the rest. A cookie is enough for reading only.
   */
  api: RequestHandler;
  /**
   * Without a token: answers only to names of this machine, so that no web page can reach in by DNS
   * rebinding.
   */
  host: RequestHandler;
  /**
   * Gives the text that a form of the pages carries: a page of another origin cannot read it, so it cannot
   * forge a form.
   */
  form(): string;
  /** Returns true if a text is that of our forms. */
  isForm(text: unknown): boolean;
  /** Gives the cookie that a browser gets for the right token; `null` for a wrong one. */
  login(token: string): string | null;
}

export function authentication(token: string | null): Auth {
  const session =
    token === null ? '' : createHmac('sha256', token).update('activation-auditor page').digest('base64url');
  const form = randomBytes(24).toString('base64url');
  const hasToken = (request: Request) => {
    const bearer = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    return bearer !== undefined && token !== null && isSame(bearer, token);
  };
  const hasCookie = (request: Request) => {
    const cookie = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]*)`).exec(request.get('cookie') ?? '')?.[1];
    return cookie !== undefined && isSame(cookie, session);
  };
  const reads = (request: Request) => token === null || hasToken(request) || hasCookie(request);
  return {
    reads,
    form: () => form,
    isForm: (text) => typeof text === 'string' && isSame(text, form),
    api: (request, response, next) => {
      const isSafe = request.method === 'GET' || request.method === 'HEAD';
      if (isSafe ? reads(request) : token === null || hasToken(request)) return next();
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
    login: (text) =>
      token !== null && isSame(text.trim(), token)
        ? `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800`
        : null,
  };
}

/** Gives the name in a Host header, without port and brackets. */
function nameIn(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

/** Compares in a time that does not tell how much of the text is right. */
function isSame(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(x!, y!);
}
