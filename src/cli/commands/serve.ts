import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import type { SettingName } from '../../settings/settings.js';
import { gateNames } from '../gating.js';
import { addConfigOption, addSettings } from '../options.js';
import { readSettings } from '../settings.js';

const names: readonly SettingName[] = [
  ...(['data', 'split', 'tokenizer', 'tokens', 'seqLen', 'batchSize', 'untilStable'] as const),
  ...(['sites', 'layers', 'plugin', 'threshold', 'firing', 'dead', 'deadBelow'] as const),
  ...(['device', 'threads', 'hash'] as const),
  ...gateNames,
];

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
    .option('--poll <time>', 'Time between two looks at the folder', '1s')
    .optionsGroup('Server:')
    .option('--host <address>', 'Where to listen', '127.0.0.1')
    .option('--port <n>', 'Where to listen', '9847')
    .option('--token-file <file>', 'Bearer token of the API (or the variable AUDIT_TOKEN)')
    .option('--protect-metrics', '/metrics asks for the token, too')
    .option('--rate-limit <n>', 'API requests per minute and address', '300')
    .option('--queue-limit <n>', 'Audits that may wait', '1000')
    .option('--log-level <level>', 'Of the JSON lines on stdout', 'info')
    .optionsGroup('Reports:')
    .option('--state <dir>', 'Where reports are kept', 'audit-state')
    .option('--keep <n>', 'Reports to keep of each model', '100')
    .option('--series-limit <n>', 'Series of all models; above it histograms are left out', '50000');
  addSettings(command, names);
  addConfigOption(command);
  command.action(async () => {
    const flags = command.opts() as ServeFlags;
    const settings = readSettings(command, names);
    const level = logLevel(flags.logLevel);
    // Only this command pays for loading a web server.
    const [{ pino }, { serve }] = await Promise.all([import('pino'), import('../../exporter/serve.js')]);
    const log = pino({ level });
    const serving = await serve({
      ...{ models: flags.models, state: flags.state, host: flags.host },
      port: whole('--port', flags.port, 0, 65_535),
      token: readToken(flags.tokenFile),
      protectMetrics: flags.protectMetrics ?? false,
      watch: flags.watch ?? false,
      everySeconds: flags.every === undefined ? null : seconds('--every', flags.every),
      checkpoints: flags.checkpoints ?? null,
      settleSeconds: seconds('--settle', flags.settle),
      pollSeconds: Math.max(0.05, seconds('--poll', flags.poll)),
      keep: whole('--keep', flags.keep, 1),
      seriesLimit: whole('--series-limit', flags.seriesLimit, 0),
      rateLimit: whole('--rate-limit', flags.rateLimit, 1),
      queueLimit: whole('--queue-limit', flags.queueLimit, 1),
      settings,
      log,
    });
    await signalled();
    log.info({}, 'stopping');
    await serving.close();
    process.exitCode = 0;
  });
}

/** The first signal ends the server in order; a second one at once. */
function signalled(): Promise<void> {
  return new Promise((done) => {
    let before = false;
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (before) process.exit(130);
        before = true;
        done();
      });
    }
  });
}

function readToken(file: string | undefined): string | null {
  const token = file === undefined ? (process.env.AUDIT_TOKEN ?? '').trim() : tokenOf(file);
  if (token === '' && file === undefined) return null;
  if (token.length >= 16) return token;
  const where = file === undefined ? 'AUDIT_TOKEN' : `\`${file}\``;
  throw new UserError(`Expected ${where} to hold a token of at least 16 characters.`, 'token-short');
}

function tokenOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new UserError(`\`--token-file ${file}\` cannot be read.`, 'token-file', { cause });
  }
}

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** `6h`, `30m`, `1.5 s`, or a plain number of seconds. */
function seconds(flag: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(text.trim()) ?? [];
  if (number !== undefined) return Number(number) * UNITS[unit ?? 's']!;
  throw new UserError(
    `Expected \`${flag}\` to be a time such as \`6h\`, \`30m\` or \`2s\`, got \`${text}\`.`,
    'option-value',
  );
}

function whole(flag: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new UserError(`Expected \`${flag}\` to be a whole number ${range}, got \`${text}\`.`, 'option-value');
}

function logLevel(text: string): string {
  const known = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
  if (known.includes(text)) return text;
  throw new UserError(
    `Expected \`--log-level\` to be one of ${known.join(', ')}, got \`${text}\`.`,
    'option-value',
  );
}
