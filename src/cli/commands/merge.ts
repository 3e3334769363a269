import type { Command } from 'commander';
import { mergeReports, type NamedReport } from '../../app/merge.js';
import { renderReport } from '../../app/report-kinds.js';
import { readReport, writeReport } from '../../report/json.js';
import { addSettings } from '../options.js';
import { checkOutputFile } from '../outputs.js';
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
    if (output !== undefined) await writeReport(output, merged);
    const { format = 'table', quiet } = settings;
    const terminal = openTerminal(settings);
    if (!quiet || format !== 'table') terminal.print(renderReport(merged, format, terminal));
  });
}
