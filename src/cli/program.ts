import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { didYouMean, UserError } from '../errors.js';
import { tool } from '../files/package.js';
import { addBoundsCommand } from './commands/bounds.js';
import { addDiffCommand } from './commands/diff.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addFlipCommand } from './commands/flip.js';
import { addGateCommand } from './commands/gate.js';
import { addGrafanaCommand } from './commands/grafana.js';
import { addInspectCommand } from './commands/inspect.js';
import { addMergeCommand } from './commands/merge.js';
import { addPruneCommand } from './commands/prune.js';
import { addRunCommand } from './commands/run.js';
import { addServeCommand } from './commands/serve.js';
import { addShowCommand } from './commands/show.js';
import { addStripCommand } from './commands/strip.js';
import { addSwapCommand } from './commands/swap.js';
import { helpWidth, optionsOf, topics } from './help.js';

/**
 * The whole command line. Help and wrong usage are thrown as CommanderError; telling of the latter is main's.
 */
export function program(): Command {
  const root = new Command('audit')
    .usage('<model.onnx> [options]\n       audit <command> …')
    .description('Finds dead neurons in ONNX models.')
    .version(`${tool.name} ${tool.version}`, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this help')
    .helpCommand('help [command]', 'Help on a command')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ helpWidth });
  const run = addRunCommand(root);
  addInspectCommand(root);
  addGateCommand(root);
  addDiffCommand(root);
  addMergeCommand(root);
  addShowCommand(root);
  addStripCommand(root);
  addPruneCommand(root);
  addSwapCommand(root);
  addFlipCommand(root);
  addBoundsCommand(root);
  addServeCommand(root);
  addGrafanaCommand(root);
  addDoctorCommand(root);
  root.addHelpText('after', () => `\nOptions of the main job:\n\n${optionsOf(run)}\n\n${topics}`);
  run.addHelpText('after', `\n${topics}`);
  return root;
}

/**
 * `audit model.onnx …` is `audit run model.onnx …`: whatever does not begin with a verb is. A model named
 * like a verb is reached by `audit run gate` or `audit ./gate`.
 *
 * @throws UserError for nothing at all, and for a first word that is neither a verb nor a file.
 */
export function withVerb(args: readonly string[]): string[] {
  const [first] = args;
  const { commands } = program();
  const verbs = commands.map((command) => command.name());
  const known = `Commands are ${verbs.join(', ')}; \`audit --help\` explains them.`;
  if (first === undefined) {
    // Not the help with exit code 0: `audit $MODEL` in a build must not pass because the variable is empty.
    throw new UserError(
      `Expected a model or a command, as in \`audit model.onnx\`. ${known}`,
      'no-arguments',
    );
  }
  if (first === 'help' && args[1] !== undefined && !verbs.includes(args[1])) {
    const hint = didYouMean(args[1], verbs);
    throw new UserError(`There is no command \`${args[1]}\`.${hint} ${known}`, 'unknown-command');
  }
  const group = commands.find((command) => command.name() === first && command.commands.length > 0);
  if (group && args.length === 1) return [...args, '--help'];
  if ([...verbs, 'help', '--help', '-h', '--version', '-V'].includes(first)) return [...args];
  if (/^\w[\w-]*$/.test(first) && !existsSync(first)) {
    const hint = didYouMean(first, verbs);
    throw new UserError(`\`${first}\` is neither a command nor a file.${hint} ${known}`, 'unknown-command');
  }
  return ['run', ...args];
}
