import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { UserError } from '../errors.js';
import { tool } from '../files/package.js';
import { checkRules } from '../report/gate.js';
import { pickDevice } from '../runtime/devices.js';
import { onnxruntimeVersion } from '../runtime/gpu.js';
import type { Settings } from '../settings/settings.js';
import { auditRequestSchema } from './audit-request.js';
import { checkpointPattern } from './checkpoints.js';
import { createApp } from './http/app.js';
import { isLoopback } from './http/auth.js';
import { runExtract } from './job/run.js';
import { scanModelFiles } from './model-files.js';
import { openPendingAudits } from './pending-audits.js';
import { exporterService } from './service.js';
import { openStore } from './store.js';
import { type FolderOptions, watchFolder } from './watch-folder.js';

export interface ServeOptions extends FolderOptions {
  /** The only folder that models come from. */
  models: string;
  /** Folder that reports are kept in. */
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
 * @throws UserError for a folder that cannot be read, an address that is taken or needs a token, or a bad pattern.
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { host, port, token, log, settings, seriesLimit, queueLimit, protectMetrics, rateLimit } = options;
  if (token === null && !isLoopback(host)) {
    throw new UserError(
      `Without a token the server binds to this machine only, not to \`${host}\`: give \`--token-file FILE\` or AUDIT_TOKEN.`,
      'token-missing',
    );
  }
  checkRules(settings.failOn ?? []);
  const checkpoints = options.checkpoints === null ? null : checkpointPattern(options.checkpoints);
  const scan = () => scanModelFiles(options.models, checkpoints);
  const files = await scan();
  const { device, notes } = await pickDevice(settings.device ?? 'auto');
  for (const note of notes) log.warn({ device }, note);
  const state = resolve(options.state);
  const store = await openStore({ folder: state, keep: options.keep, extractFile: runExtract });
  const pending = openPendingAudits(state);
  const versions = { version: tool.version, onnxruntime: onnxruntimeVersion() };
  const service = exporterService({
    ...{ store, pending, log, device, settings, seriesLimit, queueLimit },
    ...versions,
  });
  const app = createApp({
    service,
    log,
    token,
    protectMetrics,
    rateLimit,
    requestSchema: auditRequestSchema,
  });
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, app);
  await listen(server, host, port);
  const stopWatching = watchFolder(options, service, scan, files);
  const address = server.address() as AddressInfo;
  const url = `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  log.info(
    { url, models: resolve(options.models), files: files.length, device, watch: options.watch },
    'serving',
  );
  return {
    url,
    async close() {
      stopWatching();
      const closed = new Promise((done) => server.close(done));
      await service.close();
      // Event streams never end by themselves.
      const timer = setTimeout(() => server.closeAllConnections(), GRACE_MILLISECONDS);
      server.closeIdleConnections();
      await closed;
      clearTimeout(timer);
      log.info({}, 'stopped');
    },
  };
}

function listen(server: ReturnType<typeof createServer>, host: string, port: number): Promise<void> {
  return new Promise((done, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'another program listens there' : cause.message;
      reject(
        new UserError(`The server cannot listen on ${host}:${port}: ${why}.`, 'cannot-listen', { cause }),
      );
    });
    server.listen(port, host, done);
  });
}
