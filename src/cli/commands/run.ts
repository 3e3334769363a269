import type { Command } from 'commander';
import { audit } from '../../app/audit.js';
import { wantsGate, withGate } from '../../report/gate.js';
import type { AuditReport } from '../../report/schema.js';
import { toAuditOptions } from '../../settings/options.js';
import { namesOf, type Settings, settings as table } from '../../settings/settings.js';
import { type Gating, readGating } from '../gating.js';
import { listenForInterrupt } from '../interrupt.js';
import { checkMonitoring, forget, publish, publishFailure } from '../monitoring.js';
import { addConfigOption, addSettings } from '../options.js';
import { checkOutputFile, checkOutputFiles, writeOutputFiles } from '../outputs.js';
import { printReport } from '../present.js';
import { readSettings } from '../settings.js';
import { openTerminal, type Terminal } from '../terminal.js';

export function addRunCommand(parent: Command): Command {
  const command = parent
    .command('run')
    .argument('<model.onnx>')
    .description('The main job, also without the word: finds the dead neurons of a model');
  addSettings(command, namesOf(table));
  addConfigOption(command);
  return command.action(async (model: string) => {
    const settings = readSettings(command, namesOf(table));
    process.exitCode = await run(model, settings);
  });
}

/** Runs an audit; all that can be wrong with the command is found before the model is opened. */
async function run(model: string, settings: Settings): Promise<number> {
  checkOutputFiles(settings, [model, settings.baseline ?? []].flat());
  if (settings.resume !== undefined) checkOutputFile('--resume', settings.resume);
  checkMonitoring(settings);
  const gating = await readGating(settings);
  const terminal = openTerminal(settings);
  if (settings.pushDelete) {
    terminal.note(await forget(model, settings));
    return 0;
  }
  const interrupt = listenForInterrupt();
  let report: AuditReport;
  try {
    report = await audit({
      ...toAuditOptions(model, settings),
      signal: interrupt.signal,
      onProgress: terminal.progress,
      onStage: terminal.note,
      onDownload: terminal.download,
    });
  } catch (error) {
    await publishFailure(model, settings, error);
    throw error;
  } finally {
    interrupt.settle();
    terminal.endProgress();
  }
  if (interrupt.signal.aborted) {
    await deliver(report, settings, terminal);
    return 130;
  }
  return judgeAndDeliver(report, gating, settings, terminal);
}

/** Judges the report. A rule that selects no site is an error, but the report is delivered all the same. */
async function judgeAndDeliver(
  report: AuditReport,
  { rules, options }: Gating,
  settings: Settings,
  terminal: Terminal,
): Promise<number> {
  let result = report;
  try {
    if (wantsGate(rules, options)) result = withGate(report, rules, options);
  } finally {
    await deliver(result, settings, terminal);
    await publish(result, settings, options.baseline);
  }
  return result.gate?.status === 'failed' ? 1 : 0;
}

/**
 * Writes the files, and then prints: when somebody reads the last line of the table, the files are complete.
 */
async function deliver(report: AuditReport, settings: Settings, terminal: Terminal): Promise<void> {
  await writeOutputFiles(report, settings);
  printReport(report, settings, terminal);
}
