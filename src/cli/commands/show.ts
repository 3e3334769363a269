import type { Command } from 'commander';
import { show } from '../../app/show.js';
import { addSettings } from '../options.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

const outputSettings = ['format', 'color'] as const;

export function addShowCommand(parent: Command): void {
  const command = parent.command('show').argument('<report.json>').description('Prints a saved report');
  addSettings(command, outputSettings);
  command.action(async (path: string) => {
    const settings = readSettings(command, outputSettings);
    const terminal = openTerminal(settings);
    terminal.print(await show(path, settings.format, terminal));
  });
}
