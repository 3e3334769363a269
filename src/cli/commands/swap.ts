import type { Command } from 'commander';
import { swapSettings } from '../../repair/swap/settings.js';
import { swap } from '../../repair/swap/swap.js';
import { toAuditOptions } from '../../settings/options.js';
import { namesOf, type SettingName, type ValuesOf } from '../../settings/settings.js';
import { runJob } from '../job.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { CRITERION, FEEDING, PRINTING, RUNNING } from '../setting-lists.js';
import { readSettings } from '../settings.js';

const names = [
  ...FEEDING,
  'layers',
  'plugin',
  'name',
  ...CRITERION,
  ...RUNNING,
  'hash',
  'report',
  ...PRINTING,
] as const satisfies SettingName[];

export function addSwapCommand(parent: Command): void {
  const command = parent
    .command('swap')
    .argument('<model.onnx>')
    .description('Compares dead neurons and quality under other activation functions');
  addSettings(command, namesOf(swapSettings), swapSettings);
  addSettings(command, names);
  addConfigOption(command);
  command.addHelpText(
    'after',
    '\nNothing is retrained: a swapped model shows what would start, not what comes of it.',
  );
  command.action(async (model: string, flags: ValuesOf<typeof swapSettings>) => {
    const settings = readSettings(command, names);
    const { to = [], alpha, output } = flags;
    const options = {
      ...toAuditOptions(model, settings),
      to,
      ...(alpha !== undefined && { alpha }),
      ...(output !== undefined && { folder: output }),
    };
    checkOutputFiles({ report: settings.report }, [model]);
    await runJob(settings, (handles) => swap({ ...options, ...handles }));
  });
}
