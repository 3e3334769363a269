import { createHash } from 'node:crypto';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { SARIF_LEVELS, type SarifLevel } from '../settings/output-settings.js';
import { printable } from './format.js';
import type { AuditReport, GateRule } from './schema.js';
import { ruleWords } from './words.js';

export interface SarifOptions {
  /** Severity of the worst result: GitHub's own check fails on `error`, whatever our gate says. */
  maxLevel?: SarifLevel;
  /** Folder that the model's path is made relative to: the root of the repository. */
  root: string;
}

/** Renders failed rules and warnings as SARIF 2.1.0 (OASIS), for code scanning. */
export function renderSarif(report: AuditReport, { maxLevel = 'error', root }: SarifOptions): string {
  const uri = relativeUri(report.model.path, root);
  const failed = report.gate?.rules.filter(({ status }) => status === 'failed') ?? [];
  const found: Finding[] = [
    ...failed.map((rule) => ({
      ruleId: `gate/${subject(rule)}`,
      level: 'error' as const,
      text: `${report.model.name}: ${ruleWords(rule)}${rule.limit === null ? '' : ` (limit ${rule.limit})`}`,
      site: rule.site,
      key: rule.rule,
    })),
    ...report.warnings.map(({ code, message, site }) => ({
      ruleId: `warning/${code}`,
      level: 'warning' as const,
      text: `${report.model.name}: ${message}`,
      site: site ?? null,
      key: code,
    })),
  ];
  const ids = [...new Set(found.map(({ ruleId }) => ruleId))];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: report.tool.name,
            semanticVersion: report.tool.version,
            rules: ids.map((id) => ruleDescriptor(id, maxLevel)),
          },
        },
        invocations: [{ executionSuccessful: report.data.complete, endTimeUtc: utc(report.createdAt) }],
        results: found.map((finding) => result(finding, ids, uri, report.model.name, maxLevel)),
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

interface Finding {
  ruleId: string;
  level: SarifLevel;
  text: string;
  site: string | null;
  /** Tells the finding from others at the site, whatever was measured. */
  key: string;
}

function result(
  { ruleId, level, text, site, key }: Finding,
  ids: string[],
  uri: string,
  model: string,
  max: SarifLevel,
) {
  return {
    ruleId,
    ruleIndex: ids.indexOf(ruleId),
    level: capped(level, max),
    message: { text: printable(text) },
    locations: [
      {
        // A model has no lines; GitHub asks for one.
        physicalLocation: { artifactLocation: { uri, uriBaseId: '%SRCROOT%' }, region: { startLine: 1 } },
        ...(site !== null && { logicalLocations: [{ fullyQualifiedName: site, kind: 'member' }] }),
      },
    ],
    // Keeps a finding the same one from run to run, whatever its value.
    partialFingerprints: { 'modelRuleSite/v1': sha256([model, ruleId, key, site ?? ''].join('\n')) },
  };
}

function ruleDescriptor(id: string, maxLevel: SarifLevel) {
  const [group, name] = id.split('/') as [string, string];
  const gate = group === 'gate';
  const text = gate ? `A gate rule about ${name} failed.` : `The audit met a warning: ${name}.`;
  return {
    id,
    shortDescription: { text },
    defaultConfiguration: { level: capped(gate ? 'error' : 'warning', maxLevel) },
  };
}

/** Names what a rule judges: a field such as `dead_ratio`, `baseline`, or `strict`. */
function subject({ rule }: GateRule): string {
  if (rule.startsWith('strict: ')) return 'strict';
  if (/ - baseline [<>]/.test(rule)) return 'baseline';
  return /\.(\w+)\s*\)?\s*[<>]/.exec(rule)?.[1] ?? 'rule';
}

function capped(level: SarifLevel, max: SarifLevel): SarifLevel {
  return SARIF_LEVELS[Math.min(SARIF_LEVELS.indexOf(level), SARIF_LEVELS.indexOf(max))]!;
}

/**
 * Makes a URI relative to `root`; of a file outside it only the name, since an absolute path means nothing
 * elsewhere.
 */
function relativeUri(path: string, root: string): string {
  const inside = relative(root, resolve(root, path));
  const parts = inside.split(sep);
  const outside = isAbsolute(inside) || parts[0] === '..';
  return (outside ? parts.slice(-1) : parts).map(encodeURIComponent).join('/');
}

function utc(date: string): string {
  return new Date(date).toISOString();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
