import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import { destinationSettings } from '../../repair/destination.js';
import { stripSettings } from '../../repair/strip/settings.js';
import { type StripOptions, strip } from '../../repair/strip/strip.js';
import { undoStrip } from '../../repair/strip/undo.js';
import { readReport } from '../../report/json.js';
import { toAuditOptions } from '../../settings/options.js';
import { namesOf, type SettingName, type Settings, type ValuesOf } from '../../settings/settings.js';
import { type DestinationFlags, destination } from '../destination.js';
import { runJob } from '../job.js';
import { addConfigOption, addSettings } from '../options.js';
import { CRITERION, FEEDING, PRINTING, RUNNING } from '../setting-lists.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

const names = [
  ...FEEDING,
  'sites',
  'layers',
  'map',
  'plugin',
  'name',
  ...CRITERION,
  ...RUNNING,
  ...PRINTING,
] as const satisfies SettingName[];

/** Options of a strip on the command line, besides the settings of audits. */
interface StripFlags extends ValuesOf<typeof stripSettings>, DestinationFlags {
  undo?: boolean;
  report?: string;
}

export function addStripCommand(parent: Command): void {
  const command = parent
    .command('strip')
    .argument('<model.onnx>')
    .description('Revives dead neurons by setting their most negative incoming weights to zero');
  addSettings(command, namesOf(table), table);
  command
    .option('--report <file>', 'A saved audit of this model for the first round')
    .optionsGroup('Where to:')
    .option('--undo', 'Restore a stripped model byte for byte, by its record');
  addSettings(command, names);
  addConfigOption(command);
  command.action(async (model: string, flags: StripFlags) => {
    const settings = readSettings(command, names);
    if (flags.undo) return undo(model, flags, settings);
    const { output: _output, inPlace: _inPlace, dryRun: _dryRun, report, ...own } = flags;
    const options: StripOptions = {
      ...own,
      ...toAuditOptions(model, settings),
      to: destination(flags, 'stripped'),
      ...(report !== undefined && { saved: { path: report, report: await readReport(report) } }),
    };
    // `--report` is what a strip starts from, not what it writes.
    const { summary } = await runJob(settings, (handles) => strip({ ...options, ...handles }), null);
    process.exitCode = summary.outcome === 'quality-refused' ? 1 : 0;
  });
}

const table = { ...destinationSettings, ...stripSettings };

/** Restores a model. `--undo` goes with nothing else that strips. */
async function undo(model: string, flags: StripFlags, settings: Settings): Promise<void> {
  if (Object.keys(flags).some((name) => name === 'report' || Object.hasOwn(table, name))) {
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
