import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { SettingError, UserError } from '../../errors.js';
import type { ServeOptions } from '../../exporter/serve.js';
import type { SettingName } from '../../settings/settings.js';
import { gateNames } from '../gating.js';
import { addConfigOption, addSettings } from '../options.js';
import { seconds } from '../seconds.js';
import { readSettings } from '../settings.js';

const names: readonly SettingName[] = [
  ...(['data', 'split', 'tokenizer', 'tokens', 'seqLen', 'batchSize', 'untilStable'] as const),
  ...(['sites', 'layers', 'plugin', 'threshold', 'firing', 'dead', 'deadBelow'] as const),
  ...(['device', 'threads', 'hash'] as const),
  ...gateNames,
];

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

interface ServeFlags {
  models: string;
  state: string;
  host: string;
  port: string;
  tokenFile?: string;
  protectMetrics?: boolean;
  watch?: boolean;
  every?: string;
  checkpoints?: string;
  settle: string;
  poll: string;
  keep: string;
  seriesLimit: string;
  rateLimit: string;
  queueLimit: string;
  jobTimeout: string;
  logLevel: string;
}

export function addServeCommand(parent: Command): void {
  const command = parent
    .command('serve')
    .description('Exporter: audits the models of a folder; /metrics, REST, pages')
    .optionsGroup('Models:')
    .requiredOption('--models <dir>', 'The only folder that models come from')
    .option('--watch', 'Audit a model when it appears or changes')
    .option('--every <time>', 'Audit all models again after this time, as in 6h')
    .option('--checkpoints <pattern>', "Files of a training run, as in '<name>-step-<n>.onnx'")
    .option('--settle <time>', 'How long a file must not have changed', '2s')
    .option('--poll <time>', 'Time between two scans of the folder', '1s')
    .optionsGroup('Server:')
    .option('--host <address>', 'Address to listen on', '127.0.0.1')
    .option('--port <n>', 'Port to listen on', '9847')
    .option('--token-file <file>', 'Bearer token of the API (or the variable AUDIT_TOKEN)')
    .option('--protect-metrics', '/metrics asks for the token, too')
    .option('--rate-limit <n>', 'API requests per minute and address', '300')
    .option('--queue-limit <n>', 'Audits that may wait', '1000')
    .option('--job-timeout <time>', 'Time that one audit may take', '1h')
    .option('--log-level <level>', 'Least level of the JSON lines on stdout', 'info')
    .optionsGroup('Reports:')
    .option('--state <dir>', 'Folder that reports are kept in; one server to a folder', 'audit-state')
    .option('--keep <n>', 'Reports to keep of each model', '100')
    .option('--series-limit <n>', 'Series of all models; above it histograms are left out', '50000');
  addSettings(command, names);
  addConfigOption(command);
  command.action(async () => {
    const flags = command.opts() as ServeFlags;
    const settings = readSettings(command, names);
    const options = { ...serveOptions(flags), settings };
    const level = logLevel(flags.logLevel);
    // Only this command pays for loading a web server.
    const [{ pino }, { serve }] = await Promise.all([import('pino'), import('../../exporter/serve.js')]);
    const log = pino({ level });
    const serving = await serve({ ...options, log });
    await signalled();
    log.info({}, 'stopping');
    await serving.close();
    process.exitCode = 0;
  });
}

function serveOptions(flags: ServeFlags): Omit<ServeOptions, 'settings' | 'log'> {
  return {
    ...{ models: flags.models, state: flags.state, host: flags.host },
    port: whole('port', flags.port, 0, 65_535),
    token: readToken(flags.tokenFile),
    protectMetrics: flags.protectMetrics ?? false,
    watch: flags.watch ?? false,
    everySeconds: flags.every === undefined ? null : seconds('every', flags.every),
    checkpoints: flags.checkpoints ?? null,
    settleSeconds: seconds('settle', flags.settle),
    pollSeconds: seconds('poll', flags.poll, 0.05),
    keep: whole('keep', flags.keep, 1),
    seriesLimit: whole('seriesLimit', flags.seriesLimit, 0),
    rateLimit: whole('rateLimit', flags.rateLimit, 1),
    queueLimit: whole('queueLimit', flags.queueLimit, 1),
    jobTimeoutSeconds: seconds('jobTimeout', flags.jobTimeout, 1),
  };
}

/** Waits for a signal that ends the server in order; a second one ends it at once. */
function signalled(): Promise<void> {
  return new Promise((done) => {
    let isStopping = false;
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (isStopping) process.exit(130);
        isStopping = true;
        done();
      });
    }
  });
}

function readToken(file: string | undefined): string | null {
  const token = (file === undefined ? (process.env.AUDIT_TOKEN ?? '') : textOf(file)).trim();
  if (token === '' && file === undefined) return null;
  if (token.length >= 16) return token;
  const source = file === undefined ? 'AUDIT_TOKEN' : `\`${file}\``;
  throw new UserError(`Expected ${source} to hold a token of at least 16 characters.`, 'token-short');
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `\`tokenFile=${file}\` cannot be read.`;
    throw new UserError(message, 'token-file', { settings: ['tokenFile'], cause });
  }
}

function whole(flag: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new SettingError(flag, `a whole number ${range}`, text);
}

function logLevel(text: string): string {
  if (LOG_LEVELS.includes(text)) return text;
  throw new SettingError('logLevel', `one of ${LOG_LEVELS.join(', ')}`, text);
}
