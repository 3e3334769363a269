import { Command } from 'commander';
import { tool } from '../app/version.js';
import { addDiffCommand } from './commands/diff.js';
import { addDoctorCommand } from './commands/doctor.js';
import { addGateCommand } from './commands/gate.js';
import { addInspectCommand } from './commands/inspect.js';
import { addMergeCommand } from './commands/merge.js';
import { addRunCommand } from './commands/run.js';
import { addShowCommand } from './commands/show.js';
import { helpWidth, optionsOf, topics } from './help.js';

/** The whole command line. Help and wrong usage are thrown as CommanderError; telling of the latter is main's. */
export function program(): Command {
  const root = new Command('audit')
    .usage('<model.onnx> [options]\n       audit <command> …')
    .description('Finds dead neurons in ONNX models.')
    .version(`${tool.name} ${tool.version}`, '-V, --version')
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
  addDoctorCommand(root);
  root.addHelpText('after', () => `\nOptions of the main job:\n\n${optionsOf(run)}\n${topics}`);
  run.addHelpText('after', `\n${topics}`);
  return root;
}

/**
 * `audit model.onnx …` is `audit run model.onnx …`: whatever does not begin with a verb does. A model named like a
 * verb is reached by `audit run gate` or `audit ./gate`.
 */
export function withVerb(args: readonly string[]): string[] {
  const [first] = args;
  if (first === undefined) return ['--help'];
  const ofRoot = ['help', '--help', '-h', '--version', '-V'];
  const verbs = program().commands.map((command) => command.name());
  return ofRoot.includes(first) || verbs.includes(first) ? [...args] : ['run', ...args];
}
