import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import { type SwapOptions, swap } from '../../repair/swap/swap.js';
import { WRITTEN_ACTIVATIONS, type WrittenActivation } from '../../repair/swap/write-activation.js';
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
  'layers',
  'plugin',
  'name',
  'threshold',
  'firing',
  'dead',
  'deadBelow',
  'device',
  'threads',
  'hash',
  'format',
  'report',
  'quiet',
  'color',
  'progress',
] as const satisfies SettingName[];

interface Given {
  to?: string;
  alpha?: string;
  output?: string;
}

export function addSwapCommand(parent: Command): void {
  const command = parent
    .command('swap')
    .argument('<model.onnx>')
    .description('Compares dead neurons and quality under other activation functions')
    .optionsGroup('Swap:')
    .option('--to <list>', `Functions to try, of ${WRITTEN_ACTIVATIONS.join(', ')}`)
    .option('--alpha <x>', 'Of Leaky ReLU and ELU (default: 0.01 and 1)')
    .option('-o, --output <dir>', 'Write the models and the chart into this folder');
  addSettings(command, names);
  addConfigOption(command);
  command.addHelpText(
    'after',
    '\nNothing is retrained: a swapped model shows what would start, not what comes of it.',
  );
  command.action(async (model: string, given: Given) => {
    const settings = readSettings(command, names);
    const options = { ...toAuditOptions(model, settings), ...swapOptions(given) };
    checkOutputFiles({ report: settings.report }, [model]);
    await runJob(settings, (handles) => swap({ ...options, ...handles }));
  });
}

function swapOptions({ to, alpha, output }: Given): Pick<SwapOptions, 'to'> & Partial<SwapOptions> {
  const known: readonly string[] = WRITTEN_ACTIVATIONS;
  const names = to?.split(',').map((name) => name.trim()) ?? [];
  const unknown = names.find((name) => !known.includes(name));
  if (names.length === 0 || unknown !== undefined) {
    throw new UserError(
      `Expected \`--to\` to be some of ${known.join(', ')}, got ${unknown === undefined ? 'nothing' : `\`${unknown}\``}.`,
      'option-value',
    );
  }
  const slope = alpha === undefined || alpha.trim() === '' ? Number.NaN : Number(alpha);
  if (alpha !== undefined && !Number.isFinite(slope)) {
    throw new UserError(`Expected \`--alpha\` to be a number, got \`${alpha}\`.`, 'option-value');
  }
  if (alpha !== undefined && !names.some((name) => name === 'leaky_relu' || name === 'elu')) {
    throw new UserError('`--alpha` is of leaky_relu and elu: name one of them in `--to`.', 'option-conflict');
  }
  return {
    to: names as WrittenActivation[],
    ...(alpha !== undefined && { alpha: slope }),
    ...(output !== undefined && { folder: output }),
  };
}
