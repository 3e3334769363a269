import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { UserError } from '../errors.js';
import { tool } from '../files/package.js';
import { checkRules } from '../report/gate.js';
import { readReport } from '../report/json.js';
import { pickDevice } from '../runtime/devices.js';
import { onnxruntimeVersion } from '../runtime/gpu.js';
import type { Settings } from '../settings/settings.js';
import { auditRequestSchema } from './audit-request.js';
import { checkpointPattern } from './checkpoints.js';
import { createApp } from './http/app.js';
import { isLoopback } from './http/auth.js';
import { runExtract } from './job/run.js';
import { scanModelFiles } from './model-files.js';
import { type ExporterService, exporterService } from './service.js';
import { openFailures } from './state/failures.js';
import { openPendingAudits } from './state/pending-audits.js';
import { openStateFolder, type StateFolder } from './state/state-folder.js';
import { openStore } from './state/store.js';
import { type FolderOptions, watchFolder } from './watch-folder.js';

export interface ServeOptions extends FolderOptions {
  /** The only folder that models come from. */
  models: string;
  /** Folder that reports are kept in; one server to a folder. */
  state: string;
  host: string;
  /** Port; 0 takes a free one. */
  port: number;
  /** Bearer token; `null` for none, which only a loopback address allows. */
  token: string | null;
  /** True if /metrics asks for the token, too. */
  protectMetrics: boolean;
  /** Pattern of checkpoint files, as `<name>-step-<n>.onnx`. */
  checkpoints: string | null;
  /** Number of reports to keep of each model. */
  keep: number;
  seriesLimit: number;
  /** API requests per minute and address. */
  rateLimit: number;
  queueLimit: number;
  /** Seconds that an audit may take. */
  jobTimeoutSeconds: number;
  /** Settings of the audits: data, criterion, gate. */
  settings: Settings;
}

export interface Serving {
  url: string;
  /** Stops the jobs, finishes open answers, and ends; nothing is left half-written. */
  close(): Promise<void>;
}

/** Time that open connections have to finish. */
const GRACE_MILLISECONDS = 1000;

/**
 * Starts the exporter.
 *
 * @throws UserError for a folder that cannot be read, an address that is taken or needs a token, or a bad
 *   pattern.
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { host, token, log, settings } = options;
  if (token === null && !isLoopback(host)) {
    throw new UserError(
      `Without a token the server binds to this machine only, not to \`${host}\`: set \`tokenFile=FILE\` or the variable AUDIT_TOKEN.`,
      'token-missing',
      { settings: ['tokenFile'] },
    );
  }
  checkRules(settings.failOn ?? [], settings);
  // A baseline that cannot be read would make every audit fail.
  if (settings.baseline !== undefined) await readReport(settings.baseline);
  const checkpoints = options.checkpoints === null ? null : checkpointPattern(options.checkpoints);
  const scan = () => scanModelFiles(options.models, checkpoints);
  const files = await scan();
  const { device, notes } = await pickDevice(settings.device ?? 'auto');
  for (const note of notes) log.warn({ device }, note);
  const state = await openStateFolder(options.state);
  try {
    const service = await openService(options, state, device);
    const server = await listen(options, service);
    const stopWatching = watchFolder(options, service, scan, files);
    const url = urlOf(server.address() as AddressInfo);
    const models = resolve(options.models);
    log.info({ url, models, files: files.length, device, watch: options.watch }, 'serving');
    const close = async () => {
      stopWatching();
      const closed = new Promise<void>((done) => server.close(() => done()));
      await service.close();
      await answersSent(server, closed);
      state.close();
      log.info({}, 'stopped');
    };
    return { url, close };
  } catch (error) {
    state.close();
    throw error;
  }
}

async function openService(
  { keep, log, settings, seriesLimit, queueLimit, jobTimeoutSeconds }: ServeOptions,
  state: StateFolder,
  device: string,
): Promise<ExporterService> {
  const store = await openStore({ state, keep, extractFile: runExtract });
  return exporterService({
    ...{ state, store, pending: openPendingAudits(state), failures: openFailures(state) },
    ...{ log, device, settings, seriesLimit, queueLimit, jobTimeoutSeconds },
    ...{ version: tool.version, onnxruntime: onnxruntimeVersion() },
  });
}

/** Starts the HTTP server. @throws UserError when the address is taken. */
async function listen(
  { host, port, token, protectMetrics, rateLimit, log }: ServeOptions,
  service: ExporterService,
): Promise<Server> {
  const requestSchema = auditRequestSchema;
  const app = createApp({ service, log, token, protectMetrics, rateLimit, requestSchema });
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, app);
  await new Promise<void>((listening, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message;
      const message = `The server cannot listen on ${host}:${port}: ${why}.`;
      reject(new UserError(message, 'cannot-listen', { cause }));
    });
    server.listen(port, host, listening);
  });
  return server;
}

function urlOf({ family, address, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** Waits until the open answers are sent, or their time is up: event streams never end by themselves. */
async function answersSent(server: Server, closed: Promise<void>): Promise<void> {
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MILLISECONDS);
  await closed;
  clearTimeout(timer);
}
