import { UserError } from '../errors.js';

/** Reads the training run and the step from a path below the models folder; `null` for a file of no run. */
export type CheckpointPattern = (file: string) => { model: string; step: number } | null;

/**
 * Compiles the pattern of `--checkpoints`, such as `<name>-step-<n>.onnx`. `*` stands for any text.
 *
 * @throws UserError when the pattern lacks `<name>` or `<n>`.
 */
export function checkpointPattern(pattern: string): CheckpointPattern {
  const parts = pattern.split(/(<name>|<n>|\*)/);
  const count = (text: string) => parts.filter((part) => part === text).length;
  if (count('<name>') !== 1 || count('<n>') !== 1) {
    throw new UserError(
      `Expected \`--checkpoints\` to hold \`<name>\` and \`<n>\` once each, as in \`<name>-step-<n>.onnx\`, got \`${pattern}\`.`,
      'checkpoint-pattern',
    );
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
