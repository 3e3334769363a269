import { SettingError } from '../errors.js';

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** Node's timers hold at most 2³¹ − 1 milliseconds, nearly 25 days; a longer one would fire at once. */
const MOST_SECONDS = 24 * 86_400;

/**
 * Reads a time such as `6h`, `30m`, `1.5 s` or a plain number of seconds.
 *
 * @throws SettingError for any other text, for less than `least` seconds, and for more than 24 days.
 */
export function seconds(setting: string, text: string, least = 0): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(text.trim()) ?? [];
  const value = number === undefined ? Number.NaN : Number(number) * UNITS[unit ?? 's']!;
  if (value >= least && value <= MOST_SECONDS) return value;
  const range = least > 0 ? `from ${least}s to 24d` : 'of at most 24d';
  throw new SettingError(setting, `a time ${range}, such as \`6h\`, \`30m\` or \`2s\``, text);
}
