import type { Command } from 'commander';
import { diffReports } from '../../app/diff.js';
import { formatReport, readReport } from '../../report/json.js';
import { addSettings } from '../options.js';
import { checkOutputFiles, writeOutput } from '../outputs.js';
import { printReport } from '../present.js';
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
    if (settings.report !== undefined) await writeOutput(settings.report, formatReport(diff));
    printReport(diff, settings, openTerminal(settings));
  });
}
