import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import { type PruneOptions, prune } from '../../repair/prune/prune.js';
import { toAuditOptions } from '../../settings/options.js';
import type { SettingName } from '../../settings/settings.js';
import { runJob } from '../job.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { readSettings } from '../settings.js';

const names = [
  'data',
  'split',
  'tokenizer',
  'tokens',
  'seqLen',
  'batchSize',
  'sites',
  'layers',
  'map',
  'plugin',
  'name',
  'threshold',
  'firing',
  'dead',
  'deadBelow',
  'device',
  'threads',
  'format',
  'report',
  'quiet',
  'color',
  'progress',
] as const satisfies SettingName[];

interface Given {
  output?: string;
  align?: string;
}

export function addPruneCommand(parent: Command): void {
  const command = parent
    .command('prune')
    .argument('<model.onnx>')
    .description('Removes dead neurons: a smaller file with the same outputs')
    .optionsGroup('Where to:')
    .option('-o, --output <file>', 'Write the smaller model here')
    .optionsGroup('Prune:')
    .option('--align <n>', 'Keep widths multiples of N, as in 8 for tensor cores (default: 1)');
  addSettings(command, names);
  addConfigOption(command);
  command.addHelpText(
    'after',
    '\nWithout --dead only neurons that had one and the same value at every position\nare removed, whatever a configuration file says: the outputs stay as they are.',
  );
  command.action(async (model: string, given: Given) => {
    const settings = readSettings(command, names);
    // A criterion of the configuration file is about audits: what changes outputs must be asked for here.
    if (command.getOptionValueSource('dead') !== 'cli') delete settings.dead;
    if (settings.dead === undefined) delete settings.deadBelow;
    checkOutputFiles({ report: settings.report }, [model, given.output ?? []].flat());
    const options = { ...toAuditOptions(model, settings), ...pruneOptions(given) };
    await runJob(settings, (handles) => prune({ ...options, ...handles }));
  });
}

function pruneOptions({ output, align }: Given): Pick<PruneOptions, 'output' | 'align'> {
  if (output === undefined) {
    throw new UserError(
      'Expected `-o OUT.onnx`: a pruned model is a new file, there is no --in-place.',
      'no-destination',
    );
  }
  if (align === undefined) return { output };
  const width = align.trim() === '' ? Number.NaN : Number(align);
  if (!Number.isInteger(width) || width < 1) {
    throw new UserError(
      `Expected \`--align\` to be a whole number above 0, got \`${align}\`.`,
      'option-value',
    );
  }
  return { output, align: width };
}
