import type { Command } from 'commander';
import { flip } from '../../repair/flip/flip.js';
import { toAuditOptions } from '../../settings/options.js';
import type { SettingName } from '../../settings/settings.js';
import { destination, type GivenDestination } from '../destination.js';
import { runJob } from '../job.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { readSettings } from '../settings.js';

const names = [
  'data',
  'split',
  'tokenizer',
  'tokens',
  'seqLen',
  'batchSize',
  'plugin',
  'name',
  'device',
  'threads',
  'format',
  'quiet',
  'color',
  'progress',
] as const satisfies SettingName[];

interface Given extends GivenDestination {
  report?: string;
}

export function addFlipCommand(parent: Command): void {
  const command = parent
    .command('flip')
    .argument('<model.onnx>')
    .description('Negates the layers of a ReLU network that kill more than half of the living data')
    .optionsGroup('Where to:')
    .option('-o, --output <file>', 'Write the changed model here: a clone with nothing else changed')
    .option('--in-place', 'Change the model itself')
    .option('--dry-run', 'Write nothing: only say what would come of it')
    .option('--report <file>', 'Write what was done as JSON');
  addSettings(command, names);
  addConfigOption(command);
  command.action(async (model: string, given: Given) => {
    const settings = readSettings(command, names);
    const to = destination(given, 'flipped');
    checkOutputFiles({ report: given.report }, [model, given.output ?? []].flat());
    const options = { ...toAuditOptions(model, settings), to };
    await runJob(settings, (handles) => flip({ ...options, ...handles }), given.report ?? null);
  });
}
