import { type Command, Option } from 'commander';
import { type BoundsOptions, bounds } from '../../bounds/bounds.js';
import { checkNumber, checkProbability, type NumberName } from '../../bounds/limits.js';
import { runJob } from '../job.js';
import { addSettings } from '../options.js';
import { checkOutputFiles } from '../outputs.js';
import { readSettings } from '../settings.js';

const outputSettings = ['format', 'report', 'quiet', 'color'] as const;
const runSettings = ['threads'] as const;

/** Flags of the whole numbers, and their help; `bounds/limits.ts` says how large they may be. */
const numbers: Record<NumberName, [flags: string, text: string]> = {
  width: ['--width <n>', 'Units of each layer, or feature maps with --kernel'],
  depth: ['--depth <k>', 'Number of rectifier layers'],
  kernel: ['--kernel <m>', 'Convolutions with M × M kernels'],
  networks: ['--networks <n>', 'Random networks to run (default: 1024)'],
  points: ['--points <n>', 'Data points (default: 1024; 64 images)'],
  side: ['--side <n>', 'Side of the random images (default: 8)'],
  seed: ['--seed <n>', 'Seed of weights and data (default: 1)'],
};

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
    ).argParser(parseProbability),
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
      ...(command.opts() as Pick<
        BoundsOptions,
        NumberName | 'bias' | 'probability' | 'simulate' | 'figures'
      >),
      ...(model !== undefined && { model }),
      ...(settings.threads !== undefined && { threads: settings.threads }),
    };
    await runJob(settings, ({ signal, onStage }) => bounds({ ...options, signal, onStage }));
  });
}

function addNumber(command: Command, name: NumberName): void {
  const [flags, text] = numbers[name];
  const parse = (typed: string): number => {
    const value = numberOf(typed);
    checkNumber(name, value, typed);
    return value;
  };
  command.addOption(new Option(flags, text).argParser(parse));
}

function parseProbability(typed: string): number {
  const value = numberOf(typed);
  checkProbability(value, typed);
  return value;
}

/** Reads a number; NaN for a blank, which `Number` reads as 0. */
const numberOf = (typed: string): number => (typed.trim() === '' ? Number.NaN : Number(typed));
