import { type RequestHandler, type Response, Router, urlencoded } from 'express';
import { rateLimit } from 'express-rate-limit';
import { packageFile } from '../../files/package.js';
import { percent } from '../../report/format.js';
import type { Service } from '../types.js';
import { script } from './assets/script.js';
import { style } from './assets/style.js';
import type { Auth } from './auth.js';
import { type Html, page } from './html.js';
import { loginPage } from './pages/login.js';
import { modelPage } from './pages/model.js';
import { overviewPage } from './pages/overview.js';
import { reportPage } from './pages/report.js';
import { runbookPage } from './pages/runbook.js';
import type { HttpError } from './problem.js';

/** Attempts to sign in, per minute and address. */
const SIGN_INS = 10;

/** Builds the pages for people. With a token a browser asks for it once and keeps a cookie. */
export function pageRoutes(service: Service, auth: Auth, perMinute: number): Router {
  const pages = Router({ caseSensitive: true });
  const send = (response: Response, title: string, main: Html, status = 200) =>
    void response.status(status).type('html').send(page(title, main));
  const signedIn: RequestHandler = (request, response, next) => {
    if (auth.reads(request)) return next();
    send(response, 'Sign in', loginPage(false), 401);
  };
  const limitSignIns = rateLimit({
    windowMs: 60_000,
    limit: Math.min(SIGN_INS, perMinute),
    legacyHeaders: false,
    validate: { xForwardedForHeader: false },
  });
  const body = urlencoded({ extended: false, limit: '4kb' });
  const field = (request: { body?: unknown }, name: string): unknown =>
    (request.body as Record<string, unknown> | undefined)?.[name];

  pages.get('/assets/style.css', (_request, response) => void response.type('css').send(style));
  pages.get('/assets/page.js', (_request, response) => void response.type('js').send(script));
  // Browsers ask for it where a page, such as a report's JSON, names none.
  pages.get('/favicon.ico', (_request, response) => void response.status(204).end());
  pages.post('/login', limitSignIns, body, (request, response) => {
    const token = field(request, 'token');
    const cookie = typeof token === 'string' ? auth.login(token) : null;
    if (cookie === null) return send(response, 'Sign in', loginPage(true), 401);
    response.set('Set-Cookie', cookie).redirect(303, '/');
  });
  pages.get('/', signedIn, (_request, response) => {
    send(response, 'Models', overviewPage(service, auth.form()));
  });
  pages.get('/models/:name', signedIn, async (request, response, next) => {
    const { name } = request.params as { name: string };
    const main = await modelPage(service, name, auth.form());
    if (main === null) return next();
    send(response, name, main);
  });
  pages.post('/models/:name/audit', signedIn, body, (request, response) => {
    const { name } = request.params as { name: string };
    if (!auth.isForm(field(request, 'form'))) throw staleForm;
    service.start({ model: name });
    response.redirect(303, `/models/${encodeURIComponent(name)}`);
  });
  pages.get('/reports/:id', signedIn, async (request, response, next) => {
    const { id } = request.params as { id: string };
    const extract = await service.extract(id);
    if (extract === null) return next();
    send(response, `${extract.model}, ${percent(extract.deadRatio)} dead`, reportPage(id, extract));
  });
  pages.get('/runbook', signedIn, (_request, response) => {
    send(response, 'Runbook', runbookPage(packageFile('grafana/RUNBOOK.md')));
  });
  return pages;
}

const staleForm: HttpError = {
  status: 403,
  code: 'stale-form',
  detail: 'The page is from before the server was started: load it again, then press the button.',
};
