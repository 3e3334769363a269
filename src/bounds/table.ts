import type { TextOptions } from '../report/colors.js';
import { duration, number, percent, significant } from '../report/format.js';
import { type Layout, type Lines, layout, textOf } from '../report/layout.js';
import type { Column } from '../report/text.js';
import type { BoundsReport } from './schema.js';

/** Renders bounds for a terminal. The text ends with a newline. */
export function renderBounds(report: BoundsReport, options: TextOptions = {}): string {
  const page = layout(options);
  const { label, warnings } = page;
  const { network, bounds, simulation } = report;
  const lines: Lines[] = [];
  if (network && bounds) {
    const { lower, upper, deathAtLeast, deathAtMost, upperOneMap } = bounds;
    lines.push(
      label('network', networkWords(network)),
      label('lower', `${probabilityText(lower, deathAtMost)}: ${formula(network, 'lower')}`),
      label('upper', `${probabilityText(upper, deathAtLeast)}: ${formula(network, 'upper')}`),
    );
    // With one map both are the same.
    if (upperOneMap !== undefined && network.width !== 1) {
      const exponent = network.bias ? 'N(M²+1)' : 'N·M²';
      const text = `${probabilityText(upperOneMap, 1 - upperOneMap)}: (1 − 2^−${exponent})^(k−1), equation 22 as printed, for kernels of one input map each`;
      lines.push(label('', text));
    }
    if (network.layers.length > 0) lines.push('', layerTable(network, page));
  }
  if (report.width) {
    const { probability, depth, exact, width: needed } = report.width;
    const text = `${number(needed)} for depth ${number(depth)} at p = ${probability} (n = −log₂(1 − p^(1/k)) = ${exact.toFixed(4)})`;
    lines.push(label('width', text));
  }
  if (report.deepest) {
    const { probability, width: n, depth } = report.deepest;
    const deep = depth === null ? 'any depth' : `up to ${number(depth)} layers`;
    lines.push(label('depth', `${deep} of width ${number(n)} at p = ${probability}`));
  }
  if (simulation) lines.push(simulationLines(simulation, page));
  if (report.figures.length > 0) lines.push(label('figures', report.figures.join(', ')));
  return textOf([lines, warnings(report.warnings)]);
}

type Network = NonNullable<BoundsReport['network']>;

function networkWords({ model, width, depth, bias, kernel }: Network): string {
  const name = model ? `${model.name}: ` : '';
  const layers = `${number(depth)} rectifier layer${depth === 1 ? '' : 's'}`;
  const units = kernel !== null ? `feature maps, ${kernel} × ${kernel} kernels` : 'units';
  const wide = width === null ? 'of different widths' : `of ${number(width)} ${units}`;
  const biased = bias === null ? '' : bias ? ', with bias' : ', without bias';
  return `${name}${layers} ${wide}${biased}`;
}

function formula({ width, kernel, bias, model }: Network, which: 'lower' | 'upper'): string {
  if (model) return which === 'lower' ? '∏ (1 − 2^−n)' : '∏ (1 − 2^−parameters), without the first layer';
  const [n, more] = kernel === null ? ['n', bias ? '(n²+n)' : 'n²'] : ['N', bias ? '(N²M²+N)' : 'N²M²'];
  const named = width === null ? '' : ` with ${n} = ${width}`;
  return which === 'lower' ? `(1 − 2^−${n})^k${named}` : `(1 − 2^−${more})^(k−1)`;
}

/** Writes a probability; one near 1 by what is missing, as in `1 − 3.2e-12`. */
function probabilityText(probability: number, missing: number): string {
  if (missing === 0) return '1 (to double precision)';
  if (missing < 1e-3) return `1 − ${missing.toExponential(2)}`;
  return probability < 1e-3 ? probability.toExponential(2) : probability.toFixed(4);
}

const COLUMNS: Column[] = [
  { title: 'layer', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'parameters', align: 'right' },
  { title: 'a point dies', align: 'right' },
];

function layerTable({ layers }: Network, { table }: Layout): Lines {
  const rows = layers.map(({ id, neurons, parameters }) => [
    { text: id ?? '' },
    { text: number(neurons) },
    { text: number(parameters) },
    { text: significantOrExponent(2 ** -neurons) },
  ]);
  return table(COLUMNS, rows);
}

function significantOrExponent(value: number): string {
  return value !== 0 && value < 1e-4 ? value.toExponential(1) : significant(value);
}

function simulationLines(
  simulation: NonNullable<BoundsReport['simulation']>,
  { label, colors: { green, red } }: Layout,
): Lines {
  const { networks, living, probability, interval, aliveShare, agrees, points } = simulation;
  const { low, high } = interval;
  const text =
    `${probability.toFixed(4)} (95 % interval ${low.toFixed(4)} … ${high.toFixed(4)}): ` +
    `${number(living)} of ${number(networks)} random networks have a living point among ${number(points)}`;
  const share = `${percent(aliveShare)} of the points are alive, mean over networks`;
  const verdict = agrees ? green('✓ between the bounds') : red('✗ outside the bounds');
  return [
    label('measured', text),
    label('', `${share} (weights ${simulation.weights}; data ${simulation.data}; seed ${simulation.seed})`),
    label('', `${duration(simulation.durationSeconds)}, ONNX Runtime ${simulation.onnxruntime}`),
    verdict,
  ];
}
