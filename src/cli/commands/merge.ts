import type { Command } from 'commander';
import { mergeReports, type NamedReport } from '../../app/merge.js';
import { formatReport, readReport } from '../../report/json.js';
import { addSettings } from '../options.js';
import { checkOutputFile, writeOutput } from '../outputs.js';
import { printReport } from '../present.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

const outputSettings = ['format', 'quiet', 'color'] as const;

export function addMergeCommand(parent: Command): void {
  const command = parent
    .command('merge')
    .argument('<report.json...>')
    .description('Puts the reports of shards together into one')
    .option('-o, --output <file>', 'Where to write the merged report');
  addSettings(command, outputSettings);
  command.action(async (paths: string[], { output }: { output?: string }) => {
    const settings = readSettings(command, outputSettings);
    if (output !== undefined) checkOutputFile('--output', output);
    const named: NamedReport[] = [];
    for (const path of paths) named.push({ path, report: await readReport(path) });
    const merged = mergeReports(named);
    if (output !== undefined) await writeOutput(output, formatReport(merged));
    printReport(merged, settings, openTerminal(settings));
  });
}
