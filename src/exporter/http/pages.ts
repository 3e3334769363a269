import { type RequestHandler, Router, urlencoded } from 'express';
import { rateLimit } from 'express-rate-limit';
import { percent } from '../../report/format.js';
import type { Service } from '../types.js';
import { liveScript, style } from './assets.js';
import type { Auth } from './auth.js';
import { page } from './html.js';
import { loginPage } from './page-login.js';
import { modelPage } from './page-model.js';
import { overviewPage } from './page-overview.js';
import { reportPage } from './page-report.js';

/** The pages for people. With a token a browser asks for it once and keeps a cookie that lets it read. */
export function pageRoutes(service: Service, auth: Auth, perMinute: number): Router {
  const pages = Router({ caseSensitive: true });
  const signedIn: RequestHandler = (request, response, next) => {
    if (auth.reads(request)) return next();
    response
      .status(401)
      .type('html')
      .send(page('Sign in', loginPage(false)));
  };
  const guess = rateLimit({
    windowMs: 60_000,
    limit: Math.min(10, perMinute),
    legacyHeaders: false,
    validate: { xForwardedForHeader: false },
  });

  pages.get('/assets/style.css', (_request, response) => void response.type('css').send(style));
  pages.get('/assets/live.js', (_request, response) => void response.type('js').send(liveScript));
  // Browsers ask for one by themselves where a page, such as a report's JSON, names none.
  pages.get('/favicon.ico', (_request, response) => void response.status(204).end());
  pages.post('/login', guess, urlencoded({ extended: false, limit: '4kb' }), (request, response) => {
    const { token } = (request.body ?? {}) as { token?: unknown };
    const cookie = typeof token === 'string' ? auth.login(token) : null;
    if (cookie === null)
      return void response
        .status(401)
        .type('html')
        .send(page('Sign in', loginPage(true)));
    response.set('Set-Cookie', cookie).redirect(303, '/');
  });
  pages.get('/', signedIn, (_request, response) => {
    response.type('html').send(page('Models', overviewPage(service), { live: true }));
  });
  pages.get('/models/:name', signedIn, async (request, response, next) => {
    const { name } = request.params as { name: string };
    const main = await modelPage(service, name);
    if (main === null) return next();
    response.type('html').send(page(name, main));
  });
  pages.get('/reports/:id', signedIn, async (request, response, next) => {
    const extract = await service.extract((request.params as { id: string }).id);
    if (extract === null) return next();
    const { id } = request.params as { id: string };
    response
      .type('html')
      .send(page(`${extract.model}, ${percent(extract.deadRatio)} dead`, reportPage(id, extract)));
  });
  return pages;
}
