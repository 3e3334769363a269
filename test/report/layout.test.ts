import { describe, expect, it } from 'vitest';
import { failedRules, layout, textOf } from '../../src/report/layout.js';
import type { Gate } from '../../src/report/schema.js';
import type { Column } from '../../src/report/text.js';

const painted = {
  ...{ bold: (text: string) => `<b>${text}</b>`, dim: (text: string) => `<dim>${text}</dim>` },
  ...{ red: (text: string) => `<red>${text}</red>`, yellow: (text: string) => `<yellow>${text}</yellow>` },
  green: (text: string) => `<green>${text}</green>`,
};
const columns: Column[] = [
  { title: 'name', align: 'left', elastic: true },
  { title: 'n', align: 'right' },
];
const rule = (site: string, status: 'passed' | 'failed') => ({
  ...{ rule: 'x > 1', value: 2, limit: 1, status, site },
});

describe('a layout', () => {
  it('puts names into a column of their own, and nothing where there is no text', () => {
    const { label } = layout({ width: 24 });
    expect(textOf([label('model', 'a text of several words'), label('flags', '')])).toBe(
      'model     a text of\n          several words\n',
    );
  });

  it('aligns the cells of a table, and makes control characters visible', () => {
    const { table } = layout({ colors: painted });
    const rows = [
      [{ text: 'a\u001b[2J', paint: painted.red }, { text: '10' }],
      [{ text: 'b' }, { text: '7' }],
    ];
    expect(textOf(table(columns, rows))).toBe(
      '<dim>name</dim>         <dim>n</dim>\n<red>a\\u001b[2J</red>  10\nb            7\n\n',
    );
    expect(table(columns, [])).toEqual([]);
  });

  it('cuts elastic columns in the middle where a table is too wide', () => {
    const { table } = layout({ width: 14 });
    expect(textOf(table(columns, [[{ text: 'a rather long name' }, { text: '1' }]]))).toBe(
      'name         n\na rath… name 1\n\n',
    );
  });

  it('shows warnings below a blank line, three of a kind', () => {
    const { warnings } = layout();
    const many = Array.from({ length: 6 }, (_, k) => ({ code: 'odd', message: `Case ${k}.` }));
    expect(textOf(warnings(many))).toBe(
      '\n! odd: Case 0.\n! odd: Case 1.\n! odd: Case 2.\n! odd: … and 3 more of this kind.\n',
    );
    expect(warnings([])).toEqual([]);
  });

  it('shows the verdict of a gate, and twelve failed rules at most', () => {
    const { gate } = layout();
    const passed: Gate = { status: 'passed', rules: [rule('a', 'passed')] };
    expect(textOf(gate(passed))).toBe('\n✓ gate passed (1 check)\n');
    const failed: Gate = {
      status: 'failed',
      rules: [rule('z', 'passed'), ...Array.from({ length: 20 }, (_, k) => rule(`s${k}`, 'failed'))],
    };
    const lines = textOf(gate(failed)).split('\n');
    expect(lines.slice(0, 3)).toEqual(['', '✗ x > 1 at s0: 2', '✗ x > 1 at s1: 2']);
    expect(lines.slice(-3)).toEqual(['✗ … and 9 more', '✗ gate failed (20 of 21 checks)', '']);
    expect(failedRules(failed)).toHaveLength(20);
    expect(failedRules(undefined)).toEqual([]);
  });
});
