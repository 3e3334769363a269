import { describe, expect, it } from 'vitest';
import { printReport } from '../../src/cli/present.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { PLAIN } from '../../src/report/colors.js';
import { withGate } from '../../src/report/gate.js';
import { smallReport } from '../report/fixture.js';

/** What a terminal is told, on standard output and standard error. */
function printed(
  ...[report, settings]: [Parameters<typeof printReport>[0], Parameters<typeof printReport>[1]]
) {
  const told = { out: '', err: [] as string[] };
  const terminal: Terminal = {
    ...{ colors: PLAIN, width: 80, note() {}, progress() {}, download() {}, endProgress() {} },
    print: (text) => {
      told.out += text;
    },
    complain: (lines) => {
      told.err.push(...lines);
    },
  };
  printReport(report, settings, terminal);
  return told;
}

describe('printReport', () => {
  const failed = withGate(smallReport(4), ['*.mlp_post.dead >= 0'], { maxDeadRatio: 1 });

  it('prints the format that is set, a table by default', () => {
    expect(printed(failed, {}).out).toMatch(/^model {5}gpt2/);
    expect(JSON.parse(printed(failed, { format: 'json', quiet: true }).out).kind).toBe('audit');
  });

  it('says under quiet only why the gate failed', () => {
    const { out, err } = printed(failed, { quiet: true });
    expect(out).toBe('');
    expect(err.length).toBeGreaterThan(0);
    for (const line of err)
      expect(line).toMatch(/^audit: failed: \*\.mlp_post\.dead >= 0 \(\d\.mlp_post: \d+\)$/);
    expect(printed(smallReport(), { quiet: true })).toEqual({ out: '', err: [] });
  });
});
