import type { Command } from 'commander';
import { UserError } from '../../errors.js';
import { checkAlign, type PruneOptions } from '../../repair/prune/options.js';
import { prune } from '../../repair/prune/prune.js';
import { toAuditOptions } from '../../settings/options.js';
import type { SettingName } from '../../settings/settings.js';
import { runJob } from '../job.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { CRITERION, FEEDING, PRINTING, RUNNING } from '../setting-lists.js';
import { readSettings } from '../settings.js';

const names = [
  ...FEEDING,
  'sites',
  'layers',
  'map',
  'plugin',
  'name',
  ...CRITERION,
  ...RUNNING,
  'report',
  ...PRINTING,
] as const satisfies SettingName[];

/** Options of this command alone. */
interface PruneFlags {
  output?: string;
  align?: string;
  only?: string;
  verify?: string;
  yes?: true;
}

const help = `
Without --dead only neurons that had one and the same value at every position
are removed, whatever a configuration file says: the outputs on the data stay as
they are. A neuron that is dead on the data may be alive on other data. Neurons
that are proven to be dead for every input are removed at once; for the others
give a second data set (--verify) or your word (--yes).`;

export function addPruneCommand(parent: Command): void {
  const command = parent
    .command('prune')
    .argument('<model.onnx>')
    .description('Removes dead neurons: a smaller file with the same outputs')
    .optionsGroup('Where to:')
    .option('-o, --output <file>', 'Write the smaller model here')
    .optionsGroup('Prune:')
    .option('--only <proven>', 'Remove only neurons that are proven to have one value for every input')
    .option('--verify <data>', 'Check neurons and outputs on a second data set, too')
    .option('--yes', 'Remove neurons that are dead on this data, though not proven to be')
    .option('--align <n>', 'Keep widths multiples of N, as in 8 for tensor cores (default: 1)');
  addSettings(command, names);
  addConfigOption(command);
  command.addHelpText('after', help);
  command.action(async (model: string, flags: PruneFlags) => {
    const settings = readSettings(command, names);
    // A criterion of the configuration file is about audits: what changes outputs must be asked for here.
    if (command.getOptionValueSource('dead') !== 'cli') delete settings.dead;
    if (settings.dead === undefined) delete settings.deadBelow;
    checkOutputFiles({ report: settings.report }, [model, flags.output ?? []].flat());
    const options = { ...toAuditOptions(model, settings), ...pruneOptions(flags) };
    await runJob(settings, (handles) => prune({ ...options, ...handles }));
  });
}

function pruneOptions({ output, align, only, ...flags }: PruneFlags): Omit<PruneOptions, 'model'> {
  if (output === undefined) {
    throw new UserError(
      'Expected `-o OUT.onnx`: a pruned model is a new file, there is no --in-place.',
      'no-destination',
    );
  }
  return {
    output,
    ...flags,
    // What is none of the values is refused there, together with the library's options.
    ...(only !== undefined && { only: only as 'proven' }),
    ...(align !== undefined && { align: alignOf(align) }),
  };
}

function alignOf(typed: string): number {
  const align = typed.trim() === '' ? Number.NaN : Number(typed);
  checkAlign(align, typed);
  return align;
}
