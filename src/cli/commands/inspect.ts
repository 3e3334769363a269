import type { Command } from 'commander';
import { inspect } from '../../app/inspect.js';
import { toAuditOptions } from '../../settings/options.js';
import { renderInspection } from '../inspection.js';
import { addConfigOption, addSettings } from '../options.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

const names = ['sites', 'layers', 'map', 'plugin', 'name', 'format', 'color'] as const;

export function addInspectCommand(parent: Command): void {
  const command = parent
    .command('inspect')
    .argument('<model.onnx>')
    .description('Lists sites, layers, neurons, and the weights that feed each site')
    .option('--explain', 'Also say why something was not found: the nearest misses');
  addSettings(command, names);
  addConfigOption(command);
  command.action(async (model: string, { explain = false }: { explain?: boolean }) => {
    const settings = readSettings(command, names);
    const { colors, width, print } = openTerminal(settings);
    const inspection = await inspect(toAuditOptions(model, settings));
    const text = JSON.stringify(inspection, null, 2);
    print(settings.format === 'json' ? text : renderInspection(inspection, { colors, width, explain }));
  });
}
