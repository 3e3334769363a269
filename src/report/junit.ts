import { percent } from './format.js';
import type { AuditReport, GateRule } from './schema.js';
import { reportWords, ruleWords } from './words.js';

/**
 * Renders the verdict as JUnit XML: a testsuite for the model, a testcase for each rule and site. Without a
 * verdict there is a testcase for each site with what was found, which is skipped if the report is
 * incomplete.
 */
export function renderJUnit(report: AuditReport): string {
  const words = reportWords(report);
  const cases = report.gate ? report.gate.rules.map(ruleCase) : siteCases(report);
  const count = (name: string) =>
    cases.filter(({ children }) => children.some((child) => typeof child !== 'string' && child.name === name))
      .length;
  const totals = {
    tests: cases.length,
    failures: count('failure'),
    errors: 0,
    skipped: count('skipped'),
    time: report.runtime.durationSeconds.toFixed(3),
  };
  const properties = element('properties', {}, [
    ...Object.entries({ model: words.model, data: words.data, dead: words.criterion, run: words.run }).map(
      ([name, value]) => element('property', { name, value }),
    ),
    ...report.warnings.map(({ code, message }) =>
      element('property', { name: `warning.${code}`, value: message }),
    ),
  ]);
  const suite = element('testsuite', { name: report.model.name, timestamp: report.createdAt, ...totals }, [
    properties,
    ...cases,
  ]);
  const root = element('testsuites', { name: 'activation-auditor', ...totals }, [suite]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${print(root)}\n`;
}

function ruleCase(rule: GateRule): Element {
  const { status, value, limit, site } = rule;
  const message = limit === null ? ruleWords(rule) : `value ${value ?? 'unknown'}, limit ${limit}`;
  const failure = element('failure', { message, type: 'gate' }, [ruleWords(rule)]);
  return element(
    'testcase',
    { classname: site ?? 'model', name: rule.rule },
    status === 'failed' ? [failure] : [],
  );
}

function siteCases({ sites, data }: AuditReport): Element[] {
  return sites.map(({ id, dead, neurons, deadRatio }) => {
    const found = element('system-out', {}, [`${dead} of ${neurons} neurons dead (${percent(deadRatio)})`]);
    const skipped = element('skipped', { message: 'the run was stopped early: no verdict' });
    return element(
      'testcase',
      { classname: id, name: 'audited' },
      data.complete ? [found] : [skipped, found],
    );
  });
}

interface Element {
  name: string;
  attributes: Record<string, string | number>;
  children: (Element | string)[];
}

function element(
  name: string,
  attributes: Element['attributes'],
  children: (Element | string)[] = [],
): Element {
  return { name, attributes, children };
}

function print({ name, attributes, children }: Element, indent = ''): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${xml(String(value))}"`);
  const open = `${indent}<${name}${list.join('')}`;
  if (children.length === 0) return `${open}/>`;
  if (children.every((child) => typeof child === 'string'))
    return `${open}>${children.map(xml).join('')}</${name}>`;
  const lines = children.map((child) =>
    typeof child === 'string' ? xml(child) : print(child, `${indent}  `),
  );
  return `${open}>\n${lines.join('\n')}\n${indent}</${name}>`;
}

/** XML 1.0 cannot carry control characters or half surrogate pairs at all, not even escaped. */
function xml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
