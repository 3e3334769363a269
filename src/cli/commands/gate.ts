import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import { wantsGate, withGate } from '../../report/gate.js';
import { readReport } from '../../report/json.js';
import { gateNames, readGating } from '../gating.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFiles, writeOutputFiles } from '../outputs.js';
import { printReport } from '../present.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

// Without `report`: a configuration file of audits would have it write over the report that is judged.
const names = [
  ...gateNames,
  ...(['format', 'junit', 'markdown', 'sarif', 'sarifMaxLevel', 'quiet', 'color'] as const),
];

export function addGateCommand(parent: Command): void {
  const command = parent
    .command('gate')
    .argument('<report.json>')
    .description('Applies rules to a saved report; exit code 1 where one fails');
  addSettings(command, names);
  addConfigOption(command);
  command.action(async (path: string) => {
    const settings = readSettings(command, names);
    checkOutputFiles(settings, [path, settings.baseline ?? []].flat());
    const { rules, options } = await readGating(settings);
    if (!wantsGate(rules, options)) {
      throw new UserError(
        'Expected something to judge by: `--fail-on RULE`, `--max-dead-ratio X`, `--baseline OLD.json` or `--strict`. `audit --help` has the grammar of rules.',
        'nothing-to-judge',
      );
    }
    const report = withGate(await readReport(path), rules, options);
    await writeOutputFiles(report, settings);
    printReport(report, settings, openTerminal(settings));
    process.exitCode = report.gate?.status === 'failed' ? 1 : 0;
  });
}
