import { type Command, Option } from 'commander';
import { type BoundsOptions, bounds } from '../../bounds/bounds.js';
import { UserError } from '../../errors.js';
import { runJob } from '../job.js';
import { addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { readSettings } from '../settings.js';

const outputSettings = ['format', 'report', 'quiet', 'color'] as const;
const runSettings = ['threads'] as const;

/** Options that are numbers: a whole number from `least` up, or a probability. */
const numbers = {
  width: { flags: '--width <n>', least: 1, text: 'Units of each layer, or feature maps with --kernel' },
  depth: { flags: '--depth <k>', least: 1, text: 'Number of rectifier layers' },
  kernel: { flags: '--kernel <m>', least: 1, text: 'Convolutions with M × M kernels' },
  networks: { flags: '--networks <n>', least: 1, text: 'Random networks to run (default: 1024)' },
  points: { flags: '--points <n>', least: 1, text: 'Data points (default: 1024; 64 images)' },
  side: { flags: '--side <n>', least: 1, text: 'Side of the random images (default: 8)' },
  seed: { flags: '--seed <n>', least: 0, text: 'Seed of weights and data (default: 1)' },
} as const;

export function addBoundsCommand(parent: Command): void {
  const command = parent
    .command('bounds')
    .argument('[model.onnx]')
    .description('Bounds on the probability that a random rectifier network is alive (Rister & Rubin 2020)');
  command.optionsGroup('Network:');
  for (const name of ['width', 'depth', 'kernel'] as const) addNumber(command, name);
  command.option('--no-bias', 'Layers without bias');
  command.addOption(
    new Option(
      '--probability <p>',
      'The width needed for --depth, and the depth --width carries, at p',
    ).argParser(probability),
  );
  command.optionsGroup('Simulation:');
  command.option('--simulate', 'Check the bounds with random networks, run through ONNX Runtime');
  for (const name of ['networks', 'points', 'side', 'seed'] as const) addNumber(command, name);
  command.option('--figures <dir>', "Write the paper's figures 2, 4, 5 and 6 as data (JSON) and SVG");
  addSettings(command, [...runSettings, ...outputSettings]);
  command.action(async (model: string | undefined) => {
    const settings = readSettings(command, ['format', 'quiet', 'color']);
    checkOutputFiles({ report: settings.report }, model === undefined ? [] : [model]);
    const options = {
      ...(command.opts() as Pick<BoundsOptions, keyof typeof numbers | 'bias' | 'simulate' | 'figures'>),
      ...(model !== undefined && { model }),
      ...(settings.threads !== undefined && { threads: settings.threads }),
    };
    await runJob(settings, ({ signal, onStage }) => bounds({ ...options, signal, onStage }));
  });
}

function addNumber(command: Command, name: keyof typeof numbers): void {
  const { flags, least, text } = numbers[name];
  const parse = (given: string): number => {
    const value = Number(given);
    if (given.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
    throw new UserError(
      `Expected \`${flags.split(' ')[0]}\` to be a whole number from ${least}, got \`${given}\`.`,
      'option-value',
    );
  };
  command.addOption(new Option(flags, text).argParser(parse));
}

function probability(given: string): number {
  const value = Number(given);
  if (given.trim() !== '' && value > 0 && value < 1) return value;
  throw new UserError(
    `Expected \`--probability\` to be a number between 0 and 1, got \`${given}\`.`,
    'option-value',
  );
}
