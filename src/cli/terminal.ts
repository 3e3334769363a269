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

/** The only place that prints: results on stdout, everything else on stderr. */
export interface Terminal {
  /** What to paint stdout's text with; paints nothing where colours are off. */
  readonly colors: Colors;
  /** Columns of stdout, 80 where it is no terminal. */
  readonly width: number;
  /** A result, on stdout; `--quiet` does not keep it back. */
  print(text: string): void;
  /** A remark on stderr; `--quiet` keeps it back. */
  note(text: string): void;
  /** Why the exit code is what it is, on stderr, a line each; `--quiet` does not keep it back. */
  complain(lines: string[]): void;
  /** Positions done so far: a bar on a terminal, else nothing. */
  progress(progress: Progress): void;
  /** Bytes downloaded so far: a bar on a terminal, else nothing. */
  download(progress: DownloadProgress): void;
  /** Takes the bar away; to be called before anything is printed. */
  endProgress(): void;
}

export function openTerminal({ quiet = false, color, progress = true }: TerminalOptions = {}): Terminal {
  const withBar = progress && !quiet && process.stderr.isTTY === true;
  let bar: SingleBar | undefined;
  let what: 'download' | 'audit' | undefined;
  const endProgress = () => {
    bar?.stop();
    bar = undefined;
  };
  const show = (kind: 'download' | 'audit', total: number | null, value: number, text: string) => {
    if (!withBar) return;
    if (what !== kind) endProgress();
    what = kind;
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

/** Colours are for terminals; NO_COLOR (no-color.org) and FORCE_COLOR overrule, and `--no-color` overrules all. */
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

/** `12,288 of 65,536 positions, 4,210/s, 13 s left`, shorter where the terminal is narrow. */
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
