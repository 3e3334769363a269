import type { Command } from 'commander';
import { flip } from '../../app/flip.js';
import { type SettingName, toAuditOptions } from '../../app/settings.js';
import type { Destination } from '../../app/strip-output.js';
import { UserError } from '../../errors.js';
import { writeReport } from '../../report/json.js';
import { renderReport } from '../../report/render.js';
import { listenForInterrupt } from '../interrupt.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFile } from '../outputs.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

const groups: [string, readonly SettingName[]][] = [
  ['Data:', ['data', 'split', 'tokenizer', 'tokens', 'seqLen', 'batchSize']],
  ['Model:', ['plugin', 'name']],
  ['Running:', ['device', 'threads']],
  ['Output:', ['format', 'quiet', 'color', 'progress']],
];

interface Given {
  output?: string;
  inPlace?: boolean;
  dryRun?: boolean;
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
  for (const [heading, names] of groups) addSettings(command, heading, names);
  addConfigOption(command);
  command.action(async (model: string, given: Given) => {
    const names = groups.flatMap(([, settings]) => settings);
    const settings = readSettings(command, names);
    const to = destination(given);
    if (given.report !== undefined) {
      const taken = new Map([model, given.output ?? []].flat().map((path) => [path, 'the model']));
      checkOutputFile('--report', given.report, taken);
    }
    const terminal = openTerminal(settings);
    const interrupt = listenForInterrupt();
    try {
      const report = await flip({
        ...toAuditOptions(model, settings),
        to,
        signal: interrupt.signal,
        onProgress: terminal.progress,
        onStage: terminal.note,
      });
      if (given.report !== undefined) await writeReport(given.report, report);
      const { format = 'table', quiet } = settings;
      if (!quiet || format !== 'table') terminal.print(renderReport(report, format, terminal));
    } finally {
      interrupt.settle();
      terminal.endProgress();
    }
  });
}

function destination({ output, inPlace, dryRun }: Given): Destination | null {
  const chosen = [output !== undefined && '-o', inPlace && '--in-place', dryRun && '--dry-run'].filter(
    Boolean,
  );
  if (chosen.length > 1) {
    throw new UserError(`\`${chosen[0]}\` and \`${chosen[1]}\` exclude each other.`, 'option-conflict');
  }
  if (chosen.length === 0) {
    throw new UserError(
      'Expected `-o OUT.onnx`, `--in-place` or `--dry-run`: where should the flipped model go?',
      'no-destination',
    );
  }
  if (output !== undefined) return { output };
  return inPlace ? { inPlace: true } : null;
}
