import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { UserError } from '../errors.js';
import { tool } from '../files/version.js';
import { checkRules } from '../report/gate.js';
import { pickDevice } from '../runtime/devices.js';
import { onnxruntimeVersion } from '../runtime/gpu.js';
import type { Settings } from '../settings/settings.js';
import { runExtract } from './child.js';
import { createApp } from './http/app.js';
import { isLoopback } from './http/auth.js';
import type { Log } from './http/types.js';
import { checkpointPattern, scanModels } from './models.js';
import { auditRequestSchema } from './request.js';
import { openRequests } from './requests.js';
import { type ExporterService, exporterService } from './service.js';
import { openStore } from './store.js';
import { watcher } from './watch.js';

export interface ServeOptions {
  /** The only folder that models come from. */
  models: string;
  /** Where reports are kept. */
  state: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Bearer token; `null` for none, which a loopback address alone allows. */
  token: string | null;
  protectMetrics: boolean;
  watch: boolean;
  everySeconds: number | null;
  /** As `<name>-step-<n>.onnx`. */
  checkpoints: string | null;
  settleSeconds: number;
  /** Seconds between two looks at the folder. */
  pollSeconds: number;
  keep: number;
  seriesLimit: number;
  rateLimit: number;
  queueLimit: number;
  /** Of the audits: data, criterion, gate. */
  settings: Settings;
  log: Log;
}

export interface Serving {
  url: string;
  /** Stops what runs, answers what was asked, and ends; nothing is left half-written. */
  close(): Promise<void>;
}

/** How long open connections may finish what they are at. */
const GRACE_MILLISECONDS = 1000;

/**
 * Starts the exporter.
 *
 * @throws UserError for a folder that cannot be read, an address that is taken or needs a token, or a bad pattern.
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { host, port, token, log, settings } = options;
  if (token === null && !isLoopback(host)) {
    throw new UserError(
      `Without a token the server binds to this machine only, not to \`${host}\`: give \`--token-file FILE\` or AUDIT_TOKEN.`,
      'token-missing',
    );
  }
  checkRules(settings.failOn ?? []);
  const checkpoints = options.checkpoints === null ? null : checkpointPattern(options.checkpoints);
  const scan = () => scanModels(options.models, checkpoints);
  const files = await scan();
  const { device, notes } = await pickDevice(settings.device ?? 'auto');
  for (const note of notes) log.warn({ device }, note);
  const store = await openStore({
    folder: resolve(options.state),
    keep: options.keep,
    extractFile: runExtract,
  });
  const service = exporterService({
    ...{
      store,
      requests: openRequests(resolve(options.state)),
      log,
      device,
      settings,
      version: tool.version,
    },
    ...{ seriesLimit: options.seriesLimit, queueLimit: options.queueLimit },
    onnxruntime: onnxruntimeVersion(),
  });
  const { protectMetrics, rateLimit } = options;
  const app = createApp({
    ...{ service, log, token, protectMetrics, rateLimit },
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

/** Looks at the folder until told to stop; a look that fails is logged, and the next one may succeed. */
function watchFolder(
  { watch, everySeconds, settleSeconds, pollSeconds, log }: ServeOptions,
  service: ExporterService,
  scan: () => ReturnType<typeof scanModels>,
  first: Awaited<ReturnType<typeof scanModels>>,
): () => void {
  const due = watcher({
    ...{ watch, everySeconds, settleSeconds },
    auditedAt: service.auditedAt,
    audit: (file, trigger) => {
      try {
        service.enqueue(file, trigger);
      } catch (error) {
        log.error({ model: file.model, err: error }, 'not queued');
      }
    },
  });
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = (files: typeof first) => {
    service.setFiles(files);
    due.look(files, Date.now());
  };
  const again = async () => {
    try {
      const files = await scan();
      if (!stopped) look(files);
    } catch (error) {
      log.error({ err: error }, 'the models folder cannot be read');
    }
    if (!stopped) timer = setTimeout(again, pollSeconds * 1000);
  };
  service.setFiles(first);
  service.takeUp();
  look(first);
  timer = setTimeout(again, pollSeconds * 1000);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
