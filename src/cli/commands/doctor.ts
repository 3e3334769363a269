import type { Command } from 'commander';
import { type Diagnosis, doctor } from '../../app/doctor.js';
import type { Colors } from '../../report/colors.js';
import { withFlags } from '../flags.js';
import { helpWidth, wrap } from '../help.js';
import { addSettings } from '../options.js';
import { readSettings } from '../settings.js';
import { openTerminal } from '../terminal.js';

const names = ['format', 'color'] as const;

export function addDoctorCommand(parent: Command): void {
  const command = parent
    .command('doctor')
    .description('Says which devices work here, and what is missing for the others');
  addSettings(command, names);
  command.action(async () => {
    const { format, color } = readSettings(command, names);
    const terminal = openTerminal({ color });
    const diagnosis = await doctor();
    const json = format === 'json';
    terminal.print(json ? JSON.stringify(diagnosis, null, 2) : renderDiagnosis(diagnosis, terminal.colors));
    // Without the CPU nothing works at all.
    if (!diagnosis.devices.some(({ works }) => works)) process.exitCode = 3;
  });
}

export function renderDiagnosis(diagnosis: Diagnosis, { green, red, bold }: Colors): string {
  const { devices, gpu, versions, platform, cpu, memory, data } = diagnosis;
  const facts: [string, string][] = [
    ['Node', versions.node],
    ['ONNX Runtime', versions.onnxruntime],
    ['System', `${platform.os} ${platform.release}, ${platform.arch}`],
    ['CPU', `${cpu.threads} threads`],
    ['Memory', `${gigabytes(memory.totalBytes)}, ${gigabytes(memory.freeBytes)} free`],
    [
      'GPU',
      gpu.gpu === null ? 'no NVIDIA GPU found' : gpu.gpu + (gpu.driver ? `, driver ${gpu.driver}` : ''),
    ],
    ['Data folder', folderText(data)],
    ['Hub', data.hub],
  ];
  const rows = devices.map(({ device, works, detail, advice }) => {
    const mark = works ? green('✓') : red('✗');
    const next =
      advice === null || works ? '' : `\n${indented(withFlags({ message: advice, settings: ['device'] }))}`;
    return `  ${mark} ${bold(device.padEnd(7))} ${detail}${next}`;
  });
  return [
    'Devices',
    ...rows,
    '',
    'This machine',
    ...facts.map(([name, value]) => `  ${name.padEnd(13)} ${value}`),
  ].join('\n');
}

/** Sentences are wrapped, commands (which begin with blanks) are left to be copied. */
function indented(advice: string): string {
  const lines = advice
    .split('\n')
    .flatMap((line) => (line.startsWith(' ') ? [line] : wrap(line, helpWidth - 6)));
  return lines.map((line) => `      ${line}`).join('\n');
}

function folderText({ folder, folderExists }: Diagnosis['data']): string {
  if (folder === null) return 'AUDIT_DATA_DIR is not set';
  return `${folder}${folderExists ? '' : ' (AUDIT_DATA_DIR): there is no such folder'}`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
