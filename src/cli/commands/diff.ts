import type { Command } from 'commander';
import { diffReports } from '../../app/diff.js';
import { renderReport } from '../../app/report-kinds.js';
import { readReport, writeReport } from '../../report/json.js';
import { addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

// A configuration file is the audit's: its `report` is no place for a difference.
const fromConfig = ['format', 'quiet', 'color'] as const;

export function addDiffCommand(parent: Command): void {
  const command = parent
    .command('diff')
    .argument('<old.json>')
    .argument('<new.json>')
    .description('What changed between two reports: newly dead, revived, dead in both');
  addSettings(command, ['format', 'report', 'quiet', 'color']);
  command.action(async (oldPath: string, newPath: string) => {
    const settings = readSettings(command, fromConfig);
    checkOutputFiles(settings, [oldPath, newPath]);
    const diff = diffReports(await readReport(oldPath), await readReport(newPath));
    if (settings.report !== undefined) await writeReport(settings.report, diff);
    const { format = 'table', quiet } = settings;
    const terminal = openTerminal(settings);
    if (!quiet || format !== 'table') terminal.print(renderReport(diff, format, terminal));
  });
}
