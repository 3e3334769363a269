import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { audit, root } from './cli/audit.js';

const path = join(root, 'README.md');
const readme = readFileSync(path, 'utf8');

/** Blocks of a command and what it prints; `UPDATE_README=1` writes the output anew. */
const shown = [...readme.matchAll(/```console\n\$ npx audit ([^\n]*)\n([\s\S]*?)```/g)];
/** Commands without output: only the exit code counts. Those that need a file or network of the reader's are left out. */
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => block!.split('\n'))
  .map((line) => line.replace(/\s+#.*$/, ''))
  .filter((line) => line.startsWith('npx audit ') && !/gpt2\.onnx|corpus/.test(line))
  .map((line) => line.slice('npx audit '.length));

const words = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((m) => m[1] ?? m[2]!);

/** Lines whose numbers are times, speeds and memory of the machine. */
const isTiming = (line: string): boolean => line.startsWith('run ');

/** Words and layout, which are the same on every machine. Charts may differ by a step. */
const layoutOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !isTiming(line))
    .map((line) =>
      line
        .replace(/[\d.,]*\d/g, '#')
        .replace(/[▁▂▃▄▅▆▇█ ]{3,}/g, ' ')
        .trimEnd(),
    );

/** Numbers as they are printed, in order: `2,048`, `0.0366`. */
const numbersOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !isTiming(line))
    .flatMap((line) => line.match(/\d[\d,]*(?:\.\d+)?/g) ?? []);

/** Whole numbers must be equal; of decimals the last digit may differ, since float32 sums differ between machines. */
function isSame(found: string, shown: string): boolean {
  if (!found.includes('.') || !shown.includes('.')) return found === shown;
  const unit = 10 ** -(shown.split('.')[1]!.length ?? 0);
  return Math.abs(Number(found.replace(/,/g, '')) - Number(shown.replace(/,/g, ''))) <= 1.5 * unit;
}

function expectSameNumbers(found: string, shown: string): void {
  const [a, b] = [numbersOf(found), numbersOf(shown)];
  expect(a.length).toBe(b.length);
  expect(
    a.flatMap((number, i) => (isSame(number, b[i]!) ? [] : [`${number}, in the README ${b[i]}`])),
  ).toEqual([]);
}

/** A gate that failed prints so, and is exit code 1. */
const exitCodeOf = (output: string): number => (/^::error |\bfailed\b/im.test(output) ? 1 : 0);

describe('README', () => {
  test('has commands with output and without', () => {
    expect(shown.length).toBeGreaterThanOrEqual(3);
    expect(commands.length).toBeGreaterThanOrEqual(3);
  });

  test('shows what its commands print', { timeout: 120_000 }, async () => {
    let written = readme;
    for (const [block, command, output] of shown) {
      const { stdout, stderr, exitCode } = await audit(words(command!));
      expect(exitCode, `${command}: ${stderr}`).toBe(exitCodeOf(output!));
      if (process.env.UPDATE_README) {
        written = written.replace(
          block!,
          () => `\`\`\`console\n$ npx audit ${command}\n${stdout.trimEnd()}\n\`\`\``,
        );
      } else {
        expect(layoutOf(stdout.trimEnd())).toEqual(layoutOf(output!.trimEnd()));
        expectSameNumbers(stdout, output!);
      }
    }
    if (process.env.UPDATE_README) writeFileSync(path, written);
  });

  test('has commands that work, one after the other', { timeout: 120_000 }, async () => {
    for (const command of commands) {
      const { exitCode, stderr } = await audit(words(command));
      expect(exitCode, `${command}: ${stderr}`).toBe(0);
    }
  });

  test('has links that lead somewhere', () => {
    for (const file of ['README.md', 'CONTRIBUTING.md', 'models/README.md', 'bench/README.md']) {
      const text = readFileSync(join(root, file), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        expect(existsSync(join(root, file, '..', target!)), `${file}: ${target}`).toBe(true);
      }
    }
  });

  test('names npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const [, script] of readme.matchAll(/npm (?:run )?(\w+)/g)) {
      if (!['ci', 'install', 'registry', 'package'].includes(script!))
        expect(scripts).toHaveProperty(script!);
    }
  });
});

describe('the package', () => {
  test('holds what the first command needs, and no tests', () => {
    const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const files = (JSON.parse(listed) as { files: { path: string }[] }[])[0]!.files.map(({ path }) => path);
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/src/cli/main.js',
        'dist/src/runtime/child.js',
        'samples/text.txt',
        'samples/graph.npz',
        'models/gpt2/model.onnx',
        'schema/audit-report.schema.json',
        'LICENSE',
      ]),
    );
    expect(files.filter((file) => file.startsWith('test/') || file.includes('shared'))).toEqual([]);
  });
});
