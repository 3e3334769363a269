import type { InspectedSite, InspectedTensor, InspectedWeight, Inspection } from '../app/inspect.js';
import { type Colors, PLAIN, type TextOptions } from '../report/colors.js';
import { number, printable, quantity } from '../report/format.js';
import { labelled } from '../report/table.js';
import { type Column, tableLines, wrap } from '../report/text.js';

const columns: Column[] = [
  { title: 'site', align: 'left' },
  { title: 'activation', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'tensor', align: 'left', elastic: true },
];

/** What `audit inspect` prints: the model, its inputs, and every site with the weights that feed its neurons. */
export function renderInspection(
  inspection: Inspection,
  { colors = PLAIN, width = 80, explain = false }: TextOptions & { explain?: boolean } = {},
): string {
  const { model, kind, inputs, outputs, sites, misses, warnings, vocabulary, maxPositions, storedGraph } =
    inspection;
  const facts = [
    model.name,
    model.architecture !== model.name ? model.architecture : null,
    `${quantity(model.parameters)} parameters`,
    model.opset === null ? null : `opset ${model.opset}`,
    `fed with ${kind}`,
    storedGraph && storedGraphWords(storedGraph),
    vocabulary === null ? null : `vocabulary of ${number(vocabulary)}`,
    maxPositions === null ? null : `at most ${number(maxPositions)} positions`,
  ].filter((fact) => fact !== null);
  const label = (name: string, text: string) => labelled(name, printable(text), width, colors);
  const lines = [
    ...label('model', facts.join(' · ')),
    ...inputs.flatMap((tensor, i) => label(i === 0 ? 'inputs' : '', withShape(tensor))),
    ...outputs.flatMap((tensor, i) => label(i === 0 ? 'outputs' : '', withShape(tensor))),
    '',
    ...(sites.length > 0 ? siteLines(sites, width, colors) : ['No site was found.']),
    ...warnings.flatMap(({ message }) => ['', ...wrap(`! ${message}`, width, '  ').map(colors.yellow)]),
    ...(explain ? missLines(misses, width, colors) : hint(misses.length, colors)),
  ];
  return `${lines.join('\n')}\n`;
}

/** A line per site, and below it one per weight. */
function siteLines(sites: InspectedSite[], width: number, colors: Colors): string[] {
  const rows = sites.map(({ id, activation, neurons, tensor }) => [
    { text: printable(id), paint: colors.bold },
    { text: printable(activation ?? '') },
    { text: neurons === null ? '?' : number(neurons) },
    { text: printable(`${tensor.type} ${shapeText(tensor.shape)}`), paint: colors.dim },
  ]);
  const [header, ...lines] = tableLines(columns, rows, width, colors);
  return [
    header!,
    ...sites.flatMap(({ tensor, plus, weights }, i) => [
      lines[i]!,
      ...detail(`tensor ${tensor.name}${plus === null ? '' : ` + ${plus}`}`, width, colors),
      ...weights.flatMap((weight) => detail(weightText(weight), width, colors)),
    ]),
  ];
}

function detail(text: string, width: number, { dim }: Colors): string[] {
  return wrap(printable(text), width - 2, '    ').map((line) => dim(`  ${line}`));
}

function weightText({
  role,
  initializer,
  scope,
  type,
  shape,
  axis,
  first,
  bias,
  fanIn,
  fanOut,
}: InspectedWeight): string {
  const where = scope === '' ? '' : ` in ${scope}`;
  const fan = [
    fanIn === null ? '' : `fan-in ${number(fanIn)}`,
    fanOut === null ? '' : `fan-out ${number(fanOut)}`,
  ];
  // The bias of the layer behind `out` belongs to other neurons.
  const biasText = role === 'out' ? '' : bias === null ? 'no bias' : `bias ${bias}`;
  const from = first > 0 ? `from ${number(first)}` : '';
  const facts = [`axis ${axis}`, from, ...fan, biasText].filter((fact) => fact !== '');
  return `${role} ${initializer}${where} ${type} ${shapeText(shape)}, ${facts.join(', ')}`;
}

function missLines(misses: Inspection['misses'], width: number, colors: Colors): string[] {
  if (misses.length === 0) return ['', 'Everything that was looked for was found.'];
  const lines = misses.flatMap(({ what, reason, at }) => wrap(`${what} at ${at}: ${reason}`, width, '  '));
  return ['', colors.bold('Not found'), ...lines];
}

function hint(misses: number, { dim }: Colors): string[] {
  if (misses === 0) return [];
  return ['', dim(`${number(misses)} near ${misses === 1 ? 'miss' : 'misses'}: see \`--explain\`.`)];
}

function withShape({ name, type, shape }: InspectedTensor): string {
  return `${name} ${type} ${shapeText(shape)}`;
}

/** `[batch, 128, ?]` */
function shapeText(shape: InspectedTensor['shape']): string {
  return shape === null ? '[…]' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

function storedGraphWords({ nodes }: NonNullable<Inspection['storedGraph']>): string {
  if (!nodes) return 'stores its graph';
  return `stores its graph of ${nodes.exact ? '' : 'at least '}${number(nodes.nodes)} nodes`;
}
