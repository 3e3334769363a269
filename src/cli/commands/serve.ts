import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import { readTextFile } from '../../files/text-files.js';
import { serveSettings } from '../../settings/serve-settings.js';
import { namesOf, type SettingName } from '../../settings/settings.js';
import { gateNames } from '../gating.js';
import { addConfigOption, addSettings, ownSettings } from '../options.js';
import { readSettings } from '../settings.js';

const names: readonly SettingName[] = [
  ...(['data', 'split', 'tokenizer', 'tokens', 'seqLen', 'batchSize', 'untilStable'] as const),
  ...(['sites', 'layers', 'plugin', 'threshold', 'firing', 'dead', 'deadBelow'] as const),
  ...(['device', 'threads', 'hash'] as const),
  ...gateNames,
];

export function addServeCommand(parent: Command): void {
  const command = parent
    .command('serve')
    .description('Exporter: audits the models of a folder; /metrics, REST, pages');
  addSettings(command, namesOf(serveSettings), serveSettings);
  addSettings(command, names);
  addConfigOption(command);
  command.action(async () => {
    const own = ownSettings(command, serveSettings);
    const settings = readSettings(command, names);
    const token = await readToken(own.tokenFile);
    // Only this command pays for loading a web server.
    const [{ pino }, { serve }] = await Promise.all([import('pino'), import('../../exporter/serve.js')]);
    const log = pino({ level: own.logLevel! });
    const serving = await serve({
      ...{ models: own.models!, state: own.state!, host: own.host!, port: own.port!, token },
      protectMetrics: own.protectMetrics ?? false,
      watch: own.watch ?? false,
      everySeconds: own.every ?? null,
      checkpoints: own.checkpoints ?? null,
      settleSeconds: own.settle!,
      pollSeconds: own.poll!,
      ...{ keep: own.keep!, seriesLimit: own.seriesLimit! },
      ...{ rateLimit: own.rateLimit!, queueLimit: own.queueLimit!, jobTimeoutSeconds: own.jobTimeout! },
      settings,
      log,
    });
    await signalled();
    log.info({}, 'stopping');
    await serving.close();
    process.exitCode = 0;
  });
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

/** The token of the file or of the variable AUDIT_TOKEN; `null` where there is none. */
async function readToken(file: string | undefined): Promise<string | null> {
  const token = (file === undefined ? (process.env.AUDIT_TOKEN ?? '') : await readTextFile(file)).trim();
  if (token === '' && file === undefined) return null;
  if (token.length >= LEAST_TOKEN_LENGTH) return token;
  const where = file === undefined ? 'AUDIT_TOKEN' : `\`${file}\``;
  const message = `Expected ${where} to hold a token of at least ${LEAST_TOKEN_LENGTH} characters.`;
  throw new UserError(message, 'token-short');
}

/** Anybody can try tokens, 300 a minute: 16 random characters are not found. */
const LEAST_TOKEN_LENGTH = 16;
