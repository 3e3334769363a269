import { z } from 'zod';
import {
  choice,
  fileSetting,
  group,
  ratio,
  type Setting,
  switchSetting,
  text,
  textSetting,
} from './setting.js';

/** Formats of a report on standard output. */
const FORMATS = ['table', 'json', 'github'] as const;
export type Format = (typeof FORMATS)[number];

/** Severities of SARIF 2.1.0, the least first. */
export const SARIF_LEVELS = ['none', 'note', 'warning', 'error'] as const;
export type SarifLevel = (typeof SARIF_LEVELS)[number];

/** Settings that judge a report. */
export const gateSettings = group('Gate', {
  failOn: {
    kind: 'repeated',
    schema: z.array(text),
    expected: 'rules, as in `mlp_post.dead_ratio > 5%`',
    value: 'rule',
    help: 'Fail, with exit code 1, where RULE holds',
    request: true,
  },
  maxDeadRatio: ratio({
    help: 'Short for the rule "*.mlp_post.dead_ratio > X"',
    request: true,
  }),
  baseline: fileSetting({
    value: 'old.json',
    help: 'An earlier report to compare dead ratios with',
  }),
  maxIncrease: ratio({ help: "How far above the baseline's a site's dead ratio may be" }),
  strict: switchSetting({ help: 'Warnings that weaken the verdict fail the gate', request: true }),
} as const satisfies Record<string, Omit<Setting, 'group'>>);

/** Settings that send metrics. */
export const monitoringSettings = group('Monitoring', {
  push: textSetting(
    'the address of a Pushgateway, as in `http://localhost:9091`',
    {
      value: 'url',
      help: 'Give the metrics to a Pushgateway (group: job="activation_auditor", model)',
    },
    z.url({ protocol: /^https?$/ }),
  ),
  pushDelete: switchSetting({ help: "Remove the model's group from the Pushgateway, and don't audit" }),
  textfile: textSetting(
    'the path of a `.prom` file, since node_exporter reads no other',
    { value: 'file', help: "Write the metrics for node_exporter's textfile collector", path: 'file' },
    text.regex(/\.prom$|^\/dev\//),
  ),
});

/** Settings that print and write reports. */
export const outputSettings = group('Output', {
  format: choice(FORMATS, {
    value: 'name',
    help: 'What standard output carries: table, json or github',
    default: 'table',
  }),
  report: fileSetting({ help: 'Write the report as JSON' }),
  junit: fileSetting({ help: 'Write the gate as JUnit XML' }),
  markdown: fileSetting({ help: 'Write a summary in Markdown' }),
  sarif: fileSetting({ help: 'Write the gate as SARIF 2.1.0' }),
  sarifMaxLevel: choice(SARIF_LEVELS, {
    value: 'level',
    help: 'Highest level in the SARIF file',
    default: 'error',
  }),
  quiet: switchSetting({ help: 'Print errors and files only' }),
  color: switchSetting({
    help: 'A terminal gets colours',
    helpOff: 'No colours (so does the variable NO_COLOR)',
  }),
  progress: switchSetting({ help: 'A terminal gets a progress bar', helpOff: 'No progress bar' }),
});
