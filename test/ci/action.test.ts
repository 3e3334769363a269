import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { program } from '../../src/cli/program.js';
import { readReport } from '../../src/report/json.js';
import { root } from '../cli/audit.js';
import { temporaryFolder } from '../exporter/metrics/services.js';

interface Step {
  name: string;
  id?: string;
  run?: string;
  uses?: string;
  if?: string;
  shell?: string;
  env?: Record<string, string>;
}

const action = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as {
  inputs: Record<string, { description: string; default?: string; required?: boolean }>;
  outputs: Record<string, { value: string }>;
  runs: { using: string; steps: Step[] };
};
const model = join(root, 'models/gpt2-relu/model.onnx');
const small = join(root, 'models/gcn/model.onnx');

/** Runs a script as a CI runner would, with the tool on the PATH and where npx looks first. */
async function bash(script: string, env: Record<string, string>, folder = temporaryFolder()) {
  const bin = join(folder, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(bin, 'activation-auditor'),
    `#!/bin/sh\nexec "${process.execPath}" "${root}dist/src/cli/main.js" "$@"\n`,
  );
  chmodSync(join(bin, 'activation-auditor'), 0o755);
  const files = {
    GITHUB_OUTPUT: join(folder, 'output'),
    GITHUB_STEP_SUMMARY: join(folder, 'step-summary'),
    GITHUB_PATH: join(folder, 'path'),
  };
  for (const file of Object.values(files)) writeFileSync(file, '');
  const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: folder,
    env: { HOME: process.env.HOME ?? '', ...files, PATH: `${bin}:${process.env.PATH}`, ...env },
  });
  let text = '';
  const keep = (chunk: Buffer) => {
    text += chunk;
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const read = (file: string) => readFileSync(file, 'utf8');
  return {
    exitCode,
    text,
    folder,
    output: read(files.GITHUB_OUTPUT),
    path: read(files.GITHUB_PATH),
    summary: read(files.GITHUB_STEP_SUMMARY),
  };
}

/** The step as GitHub would run it with these inputs. */
function runStep(inputs: Record<string, string>, folder?: string) {
  const step = action.runs.steps.find(({ id }) => id === 'audit')!;
  const value = (text: string) =>
    text.replace(
      /\$\{\{ inputs\.([\w-]+) \}\}/g,
      (_, name) => inputs[name] ?? action.inputs[name]!.default ?? '',
    );
  const env = Object.fromEntries(Object.entries(step.env!).map(([name, text]) => [name, value(text)]));
  return bash(step.run!, env, folder);
}

describe('action.yml', () => {
  it('describes its inputs, and uses each of them', () => {
    const text = JSON.stringify(action.runs) + JSON.stringify(action.outputs);
    for (const [name, { description, required, default: value }] of Object.entries(action.inputs)) {
      expect(description, name).toBeTruthy();
      expect(required === true || value !== undefined, name).toBe(true);
      expect(text, name).toContain(`inputs.${name}`);
    }
  });

  it('never pastes an input into a script, where it could be a command', () => {
    for (const { run, shell } of action.runs.steps.filter((step) => step.run)) {
      expect(run).not.toContain('${' + '{');
      expect(shell).toBe('bash');
    }
  });

  it('uploads the report also when the gate failed', () => {
    const upload = action.runs.steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'))!;
    expect(upload.if).toContain('always()');
  });

  it('takes the tool from its own checkout', async () => {
    const { run, env } = action.runs.steps.find(({ name }) => name === 'Install')!;
    expect(action.inputs.version!.default).toBe('checkout');
    expect(env!.ONNXRUNTIME_NODE_INSTALL).toBe('skip');
    const places = { GITHUB_ACTION_PATH: root.replace(/\/$/, ''), RUNNER_TEMP: temporaryFolder() };
    expect(existsSync(join(root, 'dist/src/cli/main.js'))).toBe(true);
    const { exitCode, path, text } = await bash(run!, { ...places, VERSION: 'checkout' });
    expect({ exitCode, text }).toEqual({ exitCode: 0, text: '' });
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const ended = await bash('activation-auditor --version', {
      PATH: `${path.trim()}:${process.env.PATH}`,
    });
    expect(ended.text).toBe(`activation-auditor ${version}\n`);
  });

  it('passes with a summary, outputs, report and JUnit', async () => {
    const { exitCode, output, summary, folder, text } = await runStep({
      model,
      tokens: '600',
      'max-dead-ratio': '0.5',
    });
    expect({ exitCode, text }).toMatchObject({ exitCode: 0 });
    expect(output).toMatch(/^status=passed\ndead-ratio=0\.\d+\nreport=activation-audit\/report\.json\n$/);
    expect(summary).toContain('✅ gate passed');
    expect(summary).toContain('| site |');
    expect((await readReport(join(folder, 'activation-audit/report.json'))).gate?.status).toBe('passed');
    expect(readFileSync(join(folder, 'activation-audit/junit.xml'), 'utf8')).toContain('<testsuite');
  });

  it('fails with annotations where a rule holds, and the summary is there all the same', async () => {
    const { exitCode, output, summary, text } = await runStep({
      model,
      tokens: '600',
      'fail-on': 'mlp_post.dead_ratio > 0.9\n\nmlp_post.dead_ratio >= 0\n',
    });
    expect(exitCode).toBe(1);
    expect(text).toMatch(/^::error title=.*gate failed/m);
    expect(output).toContain('status=failed');
    expect(summary).toContain('❌ gate failed');
  });

  it('compares with a baseline, and says when there is none yet', async () => {
    const first = await runStep({ model, tokens: '600', baseline: 'main/report.json', 'max-increase': '0' });
    expect(first.exitCode).toBe(0);
    expect(first.text).toContain(
      '::notice title=Activation audit::There is no baseline at main/report.json yet',
    );
    mkdirSync(join(first.folder, 'main'));
    writeFileSync(
      join(first.folder, 'main/report.json'),
      readFileSync(join(first.folder, 'activation-audit/report.json')),
    );
    const second = await runStep(
      { model, tokens: '600', baseline: 'main/report.json', 'max-increase': '0' },
      first.folder,
    );
    expect({ ...second }).toMatchObject({ exitCode: 0 });
    const report = await readReport(join(first.folder, 'activation-audit/report.json'));
    expect(report.gate!.rules.length).toBeGreaterThan(0);
  });

  it('takes inputs as what they are, whatever they hold', async () => {
    const evil = '"; touch hacked; echo $(touch hacked2) `touch hacked3`';
    const { exitCode, folder } = await runStep({ model: evil, args: `--name=${evil}\n--no-hash` });
    expect(exitCode).toBe(2);
    for (const name of ['hacked', 'hacked2', 'hacked3']) expect(existsSync(join(folder, name))).toBe(false);
  });
});

describe('docs/ci.md', () => {
  const text = readFileSync(join(root, 'docs/ci.md'), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, kind, body]) => ({
    kind,
    body: body!,
  }));
  const gitlab = parse(blocks.find(({ body }) => body.includes('.gitlab-ci.yml'))!.body);
  const github = parse(blocks.find(({ body }) => body.includes('.github/workflows'))!.body);
  const jenkins = /sh '''([\s\S]*?)'''/.exec(blocks.find(({ kind }) => kind === 'groovy')!.body)![1]!;

  it('uses only inputs of the action that there are', () => {
    const step = github.jobs.audit.steps.find(({ uses }: Step) => uses?.includes('OWNER/'));
    for (const name of Object.keys(step.with)) expect(Object.keys(action.inputs)).toContain(name);
    const listed = /^Inputs: (.*?)\. Outputs: (.*?)\. /ms.exec(text)!;
    const names = (list: string) => [...list.matchAll(/`([\w-]+)`/g)].map(([, name]) => name!);
    expect(names(listed[1]!)).toEqual(Object.keys(action.inputs));
    expect(names(listed[2]!)).toEqual(Object.keys(action.outputs));
  });

  it.each([
    ['GitLab', gitlab.audit.script.join('\n')],
    // In Groovy's triple quotes a backslash is written twice.
    ['Jenkins', jenkins.replaceAll('\\\\', '\\')],
  ])(
    'the script for %s passes, writes its files, and compares with a baseline when there is one',
    async (_name, script) => {
      const first = await bash(script, { MODEL: small });
      expect(first).toMatchObject({ exitCode: 0 });
      for (const file of ['report.json', 'junit.xml', 'summary.md'])
        expect(existsSync(join(first.folder, file))).toBe(true);
      mkdirSync(join(first.folder, 'baseline'));
      writeFileSync(
        join(first.folder, 'baseline/report.json'),
        readFileSync(join(first.folder, 'report.json')),
      );
      const second = await bash(script, { MODEL: small }, first.folder);
      expect(second).toMatchObject({ exitCode: 0 });
      const { gate } = await readReport(join(first.folder, 'report.json'));
      expect(gate!.rules.some(({ rule }) => rule.includes('baseline'))).toBe(true);
    },
    120_000,
  );

  it('names only options that there are', () => {
    const known = program().commands.flatMap((command) => command.options.map(({ long }) => long));
    const used = blocks.flatMap(({ body }) =>
      [...body.matchAll(/^ *(?:npx --yes activation-auditor run|--).*$/gm)].map(([line]) => line),
    );
    const options = used.join(' ').replaceAll('npx --yes', '');
    for (const option of options.match(/ --[a-z-]+/g) ?? []) expect(known).toContain(option.trim());
  });
});
