import { SettingError } from '../errors.js';

/** Reads the training run and the step from a path below the models folder; `null` for a file of no run. */
export type CheckpointPattern = (file: string) => { model: string; step: number } | null;

/**
 * Compiles the setting `checkpoints`, such as `<name>-step-<n>.onnx`. `*` stands for any text.
 *
 * @throws SettingError when the pattern lacks `<name>` or `<n>`.
 */
export function checkpointPattern(pattern: string): CheckpointPattern {
  const parts = pattern.split(/(<name>|<n>|\*)/);
  const count = (text: string) => parts.filter((part) => part === text).length;
  if (count('<name>') !== 1 || count('<n>') !== 1) {
    const expected = 'a pattern with `<name>` and `<n>` once each, as in `<name>-step-<n>.onnx`';
    throw new SettingError('checkpoints', expected, pattern, { code: 'checkpoint-pattern' });
  }
  const matcher = new RegExp(`^${parts.map(regularExpression).join('')}$`);
  return (file) => {
    const { name, step } = matcher.exec(file)?.groups ?? {};
    return name === undefined ? null : { model: name, step: Number(step) };
  };
}

function regularExpression(part: string): string {
  if (part === '<name>') return '(?<name>.+?)';
  if (part === '<n>') return '(?<step>\\d{1,15})';
  return part === '*' ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}
