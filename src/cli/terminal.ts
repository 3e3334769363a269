import { SingleBar } from 'cli-progress';
import pc from 'picocolors';
import { printable } from '../errors.js';
import type { Colors } from '../report/colors.js';
import { duration, number } from '../report/format.js';
import type { DownloadProgress, Progress } from '../settings/options.js';

export interface TerminalOptions {
  quiet?: boolean | undefined;
  color?: boolean | undefined;
  progress?: boolean | undefined;
}

/** The only part that prints: results on standard output, everything else on standard error. */
export interface Terminal {
  /** Colours of standard output; they paint nothing where colours are off. */
  readonly colors: Colors;
  /** Columns of standard output; 80 if it is no terminal. */
  readonly width: number;
  /** Prints a result on standard output; `--quiet` does not keep it back. */
  print(text: string): void;
  /** Prints a remark on standard error; `--quiet` keeps it back. */
  note(text: string): void;
  /** Says on standard error why the exit code is what it is, a line each; `--quiet` does not keep it back. */
  complain(lines: string[]): void;
  /** Shows the positions done so far: a bar on a terminal, else nothing. */
  progress(progress: Progress): void;
  /** Shows the bytes downloaded so far: a bar on a terminal, else nothing. */
  download(progress: DownloadProgress): void;
  /** Takes the bar away. */
  endProgress(): void;
}

/** Opens the terminal; `progress` and `color` are on unless they are switched off. */
export function openTerminal({ quiet = false, color, progress = true }: TerminalOptions = {}): Terminal {
  const withBar = progress && !quiet && process.stderr.isTTY === true;
  let bar: SingleBar | undefined;
  let shown: 'download' | 'audit' | undefined;
  const endProgress = () => {
    bar?.stop();
    bar = undefined;
  };
  const show = (kind: 'download' | 'audit', total: number | null, value: number, text: string) => {
    if (!withBar) return;
    if (shown !== kind) endProgress();
    shown = kind;
    bar ??= startBar(total);
    bar.update(value, { text });
  };
  return {
    colors: pc.createColors(wantsColor(process.stdout, color)),
    width: process.stdout.isTTY ? Math.max(40, process.stdout.columns || 80) : 80,
    print(text) {
      endProgress();
      process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    note(text) {
      if (quiet) return;
      endProgress();
      const { dim } = pc.createColors(wantsColor(process.stderr, color));
      process.stderr.write(`${dim(lines(text))}\n`);
    },
    complain(texts) {
      endProgress();
      for (const text of texts) process.stderr.write(`${lines(text)}\n`);
    },
    progress(now) {
      show('audit', now.total, now.positions, progressText(now, process.stderr.columns || 80));
    },
    download({ bytes, totalBytes }) {
      show('download', totalBytes, bytes, `${megabytes(bytes)} of ${megabytes(totalBytes)} downloaded`);
    },
    endProgress,
  };
}

/** The text with its own line breaks and nothing else that a terminal obeys. */
const lines = (text: string): string => text.split('\n').map(printable).join('\n');

/**
 * Returns true if a stream gets colours: a terminal does. NO_COLOR (no-color.org) and FORCE_COLOR overrule
 * that, and `--no-color` overrules all.
 */
export function wantsColor(stream: { isTTY?: boolean }, option?: boolean, env = process.env): boolean {
  if (option === false || env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return option === true || (stream.isTTY === true && env.TERM !== 'dumb');
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

function startBar(total: number | null): SingleBar {
  const bar = new SingleBar({
    format: total === null ? '{text}' : '{bar} {percentage}% {text}',
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 24,
    stream: process.stderr,
    clearOnComplete: true,
    gracefulExit: false, // signals are handled in interrupt.ts
    noTTYOutput: false,
    linewrap: true, // left alone: a process that is killed could not switch it on again
    fps: 8,
  });
  bar.start(total ?? 1, 0, { text: '' });
  return bar;
}

/** Writes `12,288 of 65,536 positions, 4,210/s, 13 s left`, or less of it where the terminal is narrow. */
export function progressText({ positions, total, elapsedSeconds }: Progress, columns: number): string {
  const rate = elapsedSeconds > 0 ? positions / elapsedSeconds : 0;
  const left =
    total === null || rate === 0 ? '' : `, ${duration(Math.ceil((total - positions) / rate))} left`;
  const of = total === null ? '' : ` of ${number(total)}`;
  const full = `${number(positions)}${of} positions, ${number(rate)}/s${left}`;
  const room = columns - (total === null ? 0 : 24 + ' 100% '.length) - 1;
  if (full.length <= room) return full;
  return `${number(rate)}/s${left}`.length <= room ? `${number(rate)}/s${left}` : '';
}
