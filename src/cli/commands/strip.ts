import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import { type StripOptions, strip } from '../../repair/strip/strip.js';
import { undoStrip } from '../../repair/strip/undo.js';
import { readReport } from '../../report/json.js';
import { toAuditOptions } from '../../settings/options.js';
import type { SettingName, Settings } from '../../settings/settings.js';
import { destination, type GivenDestination } from '../destination.js';
import { runJob } from '../job.js';
import { addConfigOption, addSettings } from '../options.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

const names = [
  'data',
  'split',
  'tokenizer',
  'tokens',
  'seqLen',
  'batchSize',
  'sites',
  'layers',
  'map',
  'plugin',
  'name',
  'threshold',
  'firing',
  'dead',
  'deadBelow',
  'device',
  'threads',
  'format',
  'quiet',
  'color',
  'progress',
] as const satisfies SettingName[];

interface Given extends GivenDestination {
  undo?: boolean;
  by?: string;
  fraction?: string;
  rounds?: string;
  allowShared?: boolean;
  report?: string;
  maxQualityLoss?: string;
}

export function addStripCommand(parent: Command): void {
  const command = parent
    .command('strip')
    .argument('<model.onnx>')
    .description('Revives dead neurons by setting their most negative incoming weights to zero')
    .optionsGroup('Where to:')
    .option('-o, --output <file>', 'Write the changed model here: a clone with nothing else changed')
    .option('--in-place', 'Change the model itself; its record undoes it')
    .option('--dry-run', 'Write nothing: only say what would come of it')
    .option('--undo', 'Restore a stripped model byte for byte')
    .optionsGroup('Strip:')
    .option(
      '--by <weight|contribution>',
      'Remove the most negative weights, or mean contributions w·E[x] (default: weight)',
    )
    .option(
      '--fraction <x>',
      "Share of a neuron's remaining incoming weights to remove in a round (default: 0.1)",
    )
    .option('--rounds <n>', 'Detect and strip at most N times (default: 1)')
    .option('--allow-shared', 'Also strip weights that something else reads')
    .option('--report <file>', 'A saved audit of this model for the first round')
    .option(
      '--max-quality-loss <x>',
      'Write nothing and exit with 1 if the quality falls by more, as in 0.5%',
    );
  addSettings(command, names);
  addConfigOption(command);
  command.action(async (model: string, given: Given) => {
    const settings = readSettings(command, names);
    if (given.undo) return undo(model, given, settings);
    const options: StripOptions = {
      ...toAuditOptions(model, settings),
      ...stripOptions(given),
      ...(given.report !== undefined && {
        saved: { path: given.report, report: await readReport(given.report) },
      }),
    };
    // `--report` is what a strip starts from, not what it writes.
    const { summary } = await runJob(settings, (handles) => strip({ ...options, ...handles }), null);
    process.exitCode = summary.outcome === 'quality-refused' ? 1 : 0;
  });
}

/** `--undo` goes with nothing else that strips. */
async function undo(model: string, given: Given, settings: Settings): Promise<void> {
  const others = Object.entries(given).filter(([name]) => stripFlags.has(name));
  if (others.length > 0) {
    throw new UserError('`--undo` takes the model alone: nothing is stripped then.', 'option-conflict');
  }
  const restored = await undoStrip(model);
  const lines = [
    `${restored.model} is restored: ${restored.weights.toLocaleString('en-US')} weights have their old values.`,
    ...restored.files.map(({ name, sha256 }) => `sha256 ${sha256}  ${name}`),
  ];
  const text = settings.format === 'json' ? JSON.stringify(restored, null, 2) : lines.join('\n');
  openTerminal(settings).print(text);
}

const stripFlags = new Set([
  'output',
  'inPlace',
  'dryRun',
  'by',
  'fraction',
  'rounds',
  'allowShared',
  'report',
  'maxQualityLoss',
]);

function stripOptions(given: Given): Pick<StripOptions, 'to'> & Partial<StripOptions> {
  const { by, fraction, rounds, maxQualityLoss, allowShared } = given;
  if (by !== undefined && by !== 'weight' && by !== 'contribution') {
    throw wrong('--by', '`weight` or `contribution`', by);
  }
  return {
    to: destination(given, 'stripped'),
    ...(by !== undefined && { by }),
    ...(allowShared && { allowShared }),
    ...(fraction !== undefined && {
      fraction: ratio('--fraction', fraction, 'a share in (0, 1], as in 0.1', (x) => x > 0 && x <= 1),
    }),
    ...(rounds !== undefined && {
      rounds: ratio('--rounds', rounds, 'a whole number above 0', (x) => Number.isInteger(x) && x > 0),
    }),
    ...(maxQualityLoss !== undefined && {
      maxQualityLoss: ratio(
        '--max-quality-loss',
        maxQualityLoss,
        'a ratio from 0, as in 0.5%',
        (x) => x >= 0,
      ),
    }),
  };
}

/** A number, or one with `%`. */
function ratio(flag: string, text: string, expected: string, fits: (x: number) => boolean): number {
  const value =
    text.trim() === '' ? Number.NaN : Number(text.replace(/%$/, '')) / (text.endsWith('%') ? 100 : 1);
  if (!fits(value) || !Number.isFinite(value)) throw wrong(flag, expected, text);
  return value;
}

const wrong = (flag: string, expected: string, got: string): UserError =>
  new UserError(`Expected \`${flag}\` to be ${expected}, got \`${got}\`.`, 'option-value');
