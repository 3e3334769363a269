import { describe, expect, it } from 'vitest';
import { withGate } from '../../src/report/gate.js';
import { graphLines } from '../../src/report/graph-table.js';
import { textOf } from '../../src/report/layout.js';
import { renderMarkdown } from '../../src/report/markdown.js';
import type { AuditReport, GraphReport } from '../../src/report/schema.js';
import { levels } from '../../src/report/sparkline.js';
import { smallReport } from './fixture.js';

function layer(index: number, more: Partial<GraphReport> = {}): GraphReport {
  return {
    id: `${index}.mlp_post`,
    stack: '',
    layer: index,
    site: 'mlp_post',
    part: '',
    nodes: 10,
    neighbourPairs: 18,
    features: 4,
    dirichletEnergy: 10 ** -index,
    distanceToMean: 1.5,
    degreeNormalisedDirichletEnergy: 2,
    meanAverageDistance: 0.25,
    effectiveRank: 3,
    zeroShare: 0.5,
    ...more,
  };
}

const linesOf = (graph: GraphReport[]) => textOf(graphLines({ graph } as AuditReport, {})).split('\n');

describe('the table of over-smoothing', () => {
  it('has a line a layer, and nothing where there is no graph', () => {
    expect(graphLines({} as AuditReport, {})).toEqual([]);
    const lines = linesOf([layer(0), layer(1, { effectiveRank: null })]);
    expect(lines.slice(0, 3)).toEqual([
      'layer  site      energy  to mean  degree   MAD  rank  zeros',
      '    0  mlp_post       1      1.5       2  0.25     3    50%',
      '    1  mlp_post     0.1      1.5       2  0.25     –    50%',
    ]);
  });

  it('is in the Markdown, shortened the same way', () => {
    const small = smallReport();
    expect(renderMarkdown(small)).not.toContain('smoothness');
    const deep = Array.from({ length: 128 }, (_, k) => layer(k));
    deep[127] = layer(127, { id: '127.output', site: 'output' });
    const text = renderMarkdown({ ...small, graph: deep });
    expect(text).toContain('| layer | site | energy | to mean | degree | MAD | rank | zeros |');
    expect(text).toContain('| 0 | mlp\\_post | 1 | 1.5 | 2 | 0.25 | 3 | 50% |');
    expect(text).toContain('| … 112 more layers, in the JSON report |');
    expect(text).toContain('| 127 | output |');
  });

  it('leaves out the middle of a deep network and charts it instead', () => {
    const lines = linesOf(Array.from({ length: 128 }, (_, k) => layer(k)));
    expect(lines.filter((line) => /^ +\d+ {2}mlp_post/.test(line))).toHaveLength(16);
    expect(lines[9]).toBe('… 112 more layers, in the JSON report');
    expect(lines.every((line) => line.length <= 96)).toBe(true);
    expect(lines.find((line) => line.startsWith('energy'))).toContain('1 → 1.0e-127');
  });
});

describe('a chart of a course', () => {
  it('is logarithmic from the smallest to the largest', () => {
    expect(levels([1, 10, 100, 1000, 10_000, 1e5, 1e6, 1e7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(levels([5, 5, 5], 8)).toBe('███');
    expect(levels([1, null, 0, 0], 8)).toBe('█ ▁▁');
    expect(levels([0, 0], 8)).toBe('▁▁');
    expect(
      levels(
        Array.from({ length: 100 }, (_, k) => 2 ** -k),
        10,
      ),
    ).toHaveLength(10);
  });
});

describe('a rule about over-smoothing', () => {
  const ids = ['0.mlp_post'];
  const report = (): AuditReport => {
    const one = smallReport();
    return {
      ...one,
      graph: one.sites.filter(({ site }) => site === 'mlp_post').map(({ id }) => layer(0, { id })),
    };
  };

  it('is about each layer that has an embedding', () => {
    const at = report();
    expect(at.graph!.length).toBeGreaterThanOrEqual(ids.length);
    const { gate } = withGate(at, ['mlp_post.dirichlet_energy < 0.5', 'min(*.effective_rank) < 3.5'], {});
    expect(gate!.rules.map(({ status }) => status)).toEqual([...at.graph!.map(() => 'passed'), 'failed']);
  });

  it('is about the output of a last layer, too', () => {
    const at = report();
    at.graph!.push(layer(9, { id: '9.output', layer: 9, site: 'output', effectiveRank: 1.5 }));
    for (const selector of ['output', '*.output', '9.output']) {
      const { gate } = withGate(at, [`${selector}.effective_rank < 2`], {});
      expect(gate!.rules).toMatchObject([{ status: 'failed', site: '9.output', value: 1.5 }]);
    }
    expect(() => withGate(at, ['output.dead_ratio > 0.5'], {})).toThrow(/output/);
  });

  it('is refused where the data is no graph', () => {
    expect(() => withGate(smallReport(), ['mlp_post.dirichlet_energy < 1'], {})).toThrow(
      /the data is no graph/,
    );
  });
});
