import { describe, expect, it } from 'vitest';
import { printable, RunError, UserError } from '../src/errors.js';

describe('a message', () => {
  it('shows the control characters of a name instead of obeying them', () => {
    const name = 'a\u001b[2J\r\n\u202eb\u0085\u2066\ufeff';
    const shown = 'a\\u001b[2J\\u000d\\n\\u202eb\\u0085\\u2066\\ufeff';
    expect(new UserError(`Expected \`${name}\`.`, 'x').message).toBe(`Expected \`${shown}\`.`);
    expect(new RunError(name).message).toBe(shown);
    expect(new UserError('', 'x', { details: [name] }).details).toEqual([shown]);
  });

  it.each([
    ['x\n::error file=a::b', 'x\\n\\u003a:error file=a::b'],
    ['::add-mask::a', '\\u003a:add-mask::a'],
    // A table cuts long words anywhere.
    ['aaaa::Warning::a', 'aaaa\\u003a:Warning::a'],
    ['a ##[error]b', 'a \\u0023#[error]b'],
    ['onnx::MatMul_361', 'onnx::MatMul_361'],
    ['`a::b` ärger – ok', '`a::b` ärger – ok'],
  ])("holds no command of GitHub's runner: %j", (name, shown) => {
    expect(printable(name)).toBe(shown);
    expect(printable(shown)).toBe(shown);
  });

  it('of any length is cut in the middle', () => {
    const { message } = new UserError(`Expected \`${'x'.repeat(1e7)}\` to be short: rename it.`, 'x');
    expect(message).toMatch(/^Expected `x{100}.* … .*x` to be short: rename it\.$/);
    expect(message.length).toBeLessThan(4_010);
  });
});
