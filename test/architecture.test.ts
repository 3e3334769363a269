import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['src', 'plugins'].flatMap(typescriptBelow);
const sources = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
/** Imports of each file: repository paths of relative ones, names of packages. Type-only imports are left out. */
const imports = new Map(files.map((file) => [file, importsOf(file, false)]));
/** The same with type-only imports. */
const allImports = new Map(files.map((file) => [file, importsOf(file, true)]));

/** No file that `from` matches imports what `to` matches, but for those that `except` matches. */
interface Rule {
  from: RegExp;
  to: RegExp;
  except?: RegExp;
  because: string;
}

/** The folder imports its own files, `errors.ts`, and what lies in these folders of `src`; nothing else of `src`. */
function only(folder: string, below: readonly string[], because: string): Rule {
  const allowed = [folder, ...below].map((name) => (name.endsWith('.ts') ? `${name}$` : `${name}/`));
  return {
    from: new RegExp(`^src/${folder}/`),
    to: new RegExp(`^src/(?!${allowed.join('|')}|errors\\.ts$)`),
    because,
  };
}

const rules: Rule[] = [
  {
    from: /./,
    to: /^onnxruntime-/,
    except: /^src\/runtime\/child\.ts$/,
    because: 'sessions run in a process of their own, which can be killed; the rest sees a small port',
  },
  {
    from: /./,
    to: /^src\/runtime\/child\.ts$/,
    because: 'the child is an entry point: importing it would load ONNX Runtime into the parent',
  },
  { from: /^src\//, to: /^src\/index\.ts$/, because: 'the library is what users see, not a shortcut inside' },
  {
    from: /^plugins\//,
    to: /./,
    except: /^$/,
    because: 'a plugin gets all that it needs from src/plugin.ts, as a third party does',
  },
  {
    from: /^src\//,
    to: /^plugins\//,
    except: /^src\/measure\/plugins\.ts$/,
    because: 'the registry alone knows which plugins there are',
  },
  only('files', [], 'writing a file safely is the same whatever is in it'),
  only('onnx', ['files'], 'the file format knows nothing of what is done with it'),
  only('graph', ['onnx'], 'the graph is the ground that patterns, sites and overlays stand on'),
  only('stats', ['onnx/array.ts'], 'statistics are arithmetic on counters, whatever graph they come from'),
  only('patterns', ['graph', 'onnx'], 'a pattern is a question about a graph'),
  only('sites', ['patterns', 'graph', 'onnx'], 'sites are what patterns found, by name'),
  only('probe', ['sites', 'patterns', 'stats', 'graph', 'onnx'], 'an overlay is a graph, not a run of it'),
  only('runtime', ['onnx/array.ts'], 'a session runs bytes on arrays and knows no graph'),
  only('data', ['files', 'graph', 'onnx'], 'batches come from files and names; nothing is run to make them'),
  only(
    'settings',
    ['files', 'data', 'stats', 'runtime'],
    'settings say what can be asked for, not how it is done',
  ),
  only(
    'measure',
    [
      'settings',
      'data',
      'runtime',
      'files',
      'probe',
      'sites',
      'patterns',
      'stats',
      'graph',
      'onnx',
      'plugin.ts',
    ],
    'a measurement is made before anybody reports, judges or repairs',
  ),
  only(
    'report',
    ['measure', 'settings', 'files', 'sites', 'stats'],
    'a report is written from a measurement, and knows no model',
  ),
  {
    from: /^src\/(repair|bounds)\//,
    to: /^src\/(app|exporter|cli)\//,
    because: 'a repair is called by a verb, and calls none',
  },
  { from: /^src\/repair\//, to: /^src\/bounds\//, because: 'bounds repair nothing' },
  { from: /^src\/bounds\//, to: /^src\/repair\//, because: 'bounds repair nothing' },
  ...['strip', 'prune', 'flip', 'swap'].map((repair) => ({
    from: new RegExp(`^src/repair/${repair}/`),
    to: new RegExp(`^src/repair/(?!${repair}/)[a-z]+/`),
    because: 'what repairs share lies above them',
  })),
  {
    from: /^src\/exporter\/(http|metrics)\//,
    to: /^src\/(app|data|runtime|probe|patterns|sites|graph|onnx|measure)\//,
    because: 'routes, pages and metrics show what the service gives them',
  },
  {
    from: /^src\/exporter\/metrics\//,
    to: /^src\/exporter\/(?!metrics\/)/,
    because: 'metrics are pushed by commands, too',
  },
  {
    from: /^src\/exporter\/http\//,
    to: /^src\/exporter\/(?!http\/|metrics\/|schema\.ts$|types\.ts$)/,
    because: 'routes and pages know the service by its interface',
  },
  {
    from: /^src\/exporter\//,
    to: /^src\/exporter\/http\//,
    except: /^src\/exporter\/(http\/|serve\.ts$)/,
    because: 'the service works without HTTP; only the start of the server joins them',
  },
  {
    from: /./,
    to: /^src\/exporter\/job\/process\.ts$/,
    because: 'the process of a job is an entry point: importing it would run it in the server',
  },
  {
    from: /^src\/exporter\/(?!job\/)/,
    to: /^src\/app\//,
    because: 'audits run in a process of their own, so that the server answers at once',
  },
  {
    from: /^src\/(?!exporter\/|cli\/)/,
    to: /^src\/exporter\//,
    because: 'nothing hangs on HTTP',
  },
  { from: /^src\/(?!cli\/)/, to: /^src\/cli\//, because: 'everything works without a command line' },
  {
    from: /^src\/(?!cli\/)/,
    to: /^(commander|cli-progress|picocolors)$/,
    because: 'only cli talks to a terminal',
  },
];

describe('imports', () => {
  it.each(rules)('$from never imports $to, because $because', ({ from, to, except }) => {
    const found = files
      .filter((file) => from.test(file) && !except?.test(file))
      .flatMap((file) => allImports.get(file)!.map((target) => [file, target] as const))
      .filter(([file, target]) => to.test(target) && !allowedInPlugin(file, target))
      .map(([file, target]) => `${file} imports ${target}`);
    expect(found).toEqual([]);
  });

  it('have no cycle of any length, since a cycle has no order to read it in', () => {
    expect(cycles(imports)).toEqual([]);
  });

  it('have no cycle of types either: one of two such files cannot be understood without the other', () => {
    expect(cycles(allImports)).toEqual([]);
  });

  it('are found by this test', () => {
    expect(imports.get('src/runtime/child.ts')).toContain('onnxruntime-node');
    expect(imports.get('src/runtime/session.ts')).toContain('src/runtime/child-process.ts');
    expect(imports.get('src/runtime/session.ts')).not.toContain('src/runtime/types.ts');
    expect(allImports.get('src/runtime/session.ts')).toContain('src/runtime/types.ts');
    expect(cycles(new Map(Object.entries({ a: ['b'], b: ['c'], c: ['b'] })))).toEqual(['b → c → b']);
  });
});

describe('printing and exiting', () => {
  const forbidden = /\bconsole\.|\bprocess\.(stdout|stderr|exitCode|exit\b|argv)/;

  it('is done by cli alone, since a library must not (the child answers by message)', () => {
    const found = files
      .filter((file) => !file.startsWith('src/cli/') && file !== 'src/runtime/child.ts')
      .filter((file) => forbidden.test(withoutComments(sources.get(file)!)));
    expect(found).toEqual([]);
  });
});

describe('files', () => {
  it('have at most 250 lines, since the ugly places of the models of our style are exactly the big files', () => {
    const long = files.filter((file) => sources.get(file)!.trimEnd().split('\n').length > 250);
    expect(long).toEqual([]);
  });

  it('lie in folders that name a phase or a concept, not a drawer', () => {
    expect(files.filter((file) => /\/(utils?|common|helpers?|misc|shared|lib)(\/|\.ts)/.test(file))).toEqual(
      [],
    );
  });
});

function allowedInPlugin(file: string, target: string): boolean {
  return file.startsWith('plugins/') && target === 'src/plugin.ts';
}

function typescriptBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function importsOf(file: string, withTypes: boolean): string[] {
  const code = withoutComments(sources.get(file)!);
  const statement = /^\s*(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm;
  const dynamic = /\bimport\(\s*'([^']+)'/g;
  const found = [...code.matchAll(statement)].filter(
    ([, type, names]) => withTypes || !(type || onlyTypes(names ?? '')),
  );
  const targets = [
    ...found.map((match) => match[3]!),
    ...[...code.matchAll(dynamic)].map((match) => match[1]!),
  ];
  return [...new Set(targets.map((target) => resolved(file, target)))];
}

/** `{ type A, type B }` imports nothing at run time. */
function onlyTypes(names: string): boolean {
  const inside = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1];
  if (inside === undefined) return false;
  const parts = inside.split(',').map((part) => part.trim());
  return parts.every((part) => part === '' || part.startsWith('type '));
}

function resolved(file: string, target: string): string {
  if (!target.startsWith('.')) return target.replace(/^((?:@[^/]+\/)?[^/]+).*/, '$1');
  return relative(root, resolve(root, file, '..', target)).replace(/\.js$/, '.ts');
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** Every cycle that a depth-first walk meets, as `a → b → a`. */
function cycles(graph: ReadonlyMap<string, string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): void => {
    const start = path.indexOf(node);
    if (start >= 0) found.push([...path.slice(start), node].join(' → '));
    if (start >= 0 || done.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) visit(next);
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) visit(node);
  return found;
}
