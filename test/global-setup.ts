import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'dist/.built');

/** The session's process and the command line are tested as compiled: build once, before any test. */
export default function setup(): () => void {
  const removeTemporary = useTemporaryFolder();
  buildOnce();
  return removeTemporary;
}

/** Everything that tests leave in the temporary directory lies in one folder of the run, which is removed at its end. */
function useTemporaryFolder(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'audit-tests-'));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function buildOnce(): void {
  const start = new Date();
  if (existsSync(stamp) && statSync(stamp).mtimeMs > newestChange()) return;
  mkdirSync(join(root, 'dist'), { recursive: true });
  const fresh = mkdtempSync(join(root, 'dist/.building-'));
  try {
    build(fresh);
    // File by file and by rename, since another run's tests may be using what is there.
    for (const file of filesBelow(fresh)) publish(join(fresh, file), join(root, 'dist', file));
    writeFileSync(stamp, '');
    utimesSync(stamp, start, start);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Type errors are the linter's to report; what can be emitted is emitted. */
function build(outDir: string): void {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir], {
      cwd: root,
      encoding: 'utf8',
    });
  } catch (error) {
    if (!existsSync(join(outDir, 'src'))) throw error;
    process.stderr.write(`The build has errors:\n${(error as { stdout?: string }).stdout ?? ''}`);
  }
}

function publish(from: string, to: string): void {
  if (existsSync(to) && readFileSync(to).equals(readFileSync(from))) return;
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

function newestChange(): number {
  const sources = ['src', 'plugins'].flatMap((folder) =>
    filesBelow(join(root, folder)).map((file) => join(folder, file)),
  );
  const all = [...sources, 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
  return Math.max(...all.map((file) => statSync(join(root, file)).mtimeMs));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
