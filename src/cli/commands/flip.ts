import type { Command } from 'commander';
import { destinationSettings } from '../../repair/destination.js';
import { flip } from '../../repair/flip/flip.js';
import { toAuditOptions } from '../../settings/options.js';
import { namesOf, type SettingName } from '../../settings/settings.js';
import { type DestinationFlags, destination } from '../destination.js';
import { runJob } from '../job.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { FEEDING, PRINTING, RUNNING } from '../setting-lists.js';
import { readSettings } from '../settings.js';

const names = [
  ...FEEDING,
  'plugin',
  'name',
  ...RUNNING,
  'report',
  ...PRINTING,
] as const satisfies SettingName[];

export function addFlipCommand(parent: Command): void {
  const command = parent
    .command('flip')
    .argument('<model.onnx>')
    .description('Negates the layers of a ReLU network that kill more than half of the living data');
  addSettings(command, namesOf(destinationSettings), destinationSettings);
  addSettings(command, names);
  addConfigOption(command);
  command.action(async (model: string, flags: DestinationFlags) => {
    const settings = readSettings(command, names);
    const to = destination(flags, 'flipped');
    checkOutputFiles({ report: settings.report }, [model, flags.output ?? []].flat());
    const options = { ...toAuditOptions(model, settings), to };
    await runJob(settings, (handles) => flip({ ...options, ...handles }));
  });
}
