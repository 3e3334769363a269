import { z } from 'zod';
import { choice, ratio, type Setting, switchSetting, text, textSetting } from './setting.js';

/** What standard output can carry. */
export const FORMATS = ['table', 'json', 'github'] as const;
export type Format = (typeof FORMATS)[number];

/** Severities of SARIF 2.1.0, the least first. */
export const SARIF_LEVELS = ['none', 'note', 'warning', 'error'] as const;
export type SarifLevel = (typeof SARIF_LEVELS)[number];

/** What a report is judged by. */
export const gateSettings = {
  failOn: {
    kind: 'repeated',
    schema: z.array(text),
    expected: 'rules, as in `mlp_post.dead_ratio > 5%`',
    group: 'Gate',
    value: 'rule',
    help: 'Fail, with exit code 1, where RULE holds',
    request: true,
  },
  maxDeadRatio: ratio({
    group: 'Gate',
    value: 'x',
    help: 'Short for --fail-on "*.mlp_post.dead_ratio > X"',
    request: true,
  }),
  baseline: textSetting('the path of a report', {
    group: 'Gate',
    value: 'old.json',
    help: 'An earlier report to compare dead ratios with',
    path: 'file',
  }),
  maxIncrease: ratio({
    group: 'Gate',
    value: 'x',
    help: "How far above the baseline's a site's dead ratio may be",
  }),
  strict: switchSetting({
    group: 'Gate',
    help: 'Warnings that weaken the verdict fail the gate',
    request: true,
  }),
} as const satisfies Record<string, Setting>;

/** Where metrics go. */
export const monitoringSettings = {
  push: textSetting(
    'the address of a Pushgateway, as in `http://localhost:9091`',
    {
      group: 'Monitoring',
      value: 'url',
      help: 'Give the metrics to a Pushgateway (group: job="activation_auditor", model)',
    },
    z.url({ protocol: /^https?$/ }),
  ),
  pushDelete: switchSetting({
    group: 'Monitoring',
    help: "With --push: remove the model's group there, and don't audit",
  }),
  textfile: textSetting(
    'the path of a `.prom` file, since node_exporter reads no other',
    {
      group: 'Monitoring',
      value: 'file',
      help: "Write the metrics for node_exporter's textfile collector",
      path: 'file',
    },
    text.regex(/\.prom$|^\/dev\//),
  ),
} as const satisfies Record<string, Setting>;

const aPath = 'the path of a file';

/** What is printed and written. */
export const outputSettings = {
  format: choice(FORMATS, {
    group: 'Output',
    value: 'name',
    help: 'What standard output carries: table, json or github (default: table)',
  }),
  report: textSetting(aPath, {
    group: 'Output',
    value: 'file',
    help: 'Write the report as JSON',
    path: 'file',
  }),
  junit: textSetting(aPath, {
    group: 'Output',
    value: 'file',
    help: 'Write the gate as JUnit XML',
    path: 'file',
  }),
  markdown: textSetting(aPath, {
    group: 'Output',
    value: 'file',
    help: 'Write a summary in Markdown',
    path: 'file',
  }),
  sarif: textSetting(aPath, {
    group: 'Output',
    value: 'file',
    help: 'Write the gate as SARIF 2.1.0',
    path: 'file',
  }),
  sarifMaxLevel: choice(SARIF_LEVELS, {
    group: 'Output',
    value: 'level',
    help: 'Highest level in the SARIF file (default: error)',
  }),
  quiet: switchSetting({ group: 'Output', help: 'Print errors and files only' }),
  color: switchSetting({
    group: 'Output',
    help: 'Whether a terminal gets colours',
    helpOff: 'No colours (so does the variable NO_COLOR)',
  }),
  progress: switchSetting({
    group: 'Output',
    help: 'Whether a terminal gets a progress bar',
    helpOff: 'No progress bar',
  }),
} as const satisfies Record<string, Setting>;
