import type { InspectedSite, InspectedTensor, InspectedWeight, Inspection } from '../app/inspect.js';
import type { Colors, TextOptions } from '../report/colors.js';
import { number, quantity } from '../report/format.js';
import { type Layout, type Lines, layout, textOf } from '../report/layout.js';
import { type Column, tableLines, wrap } from '../report/text.js';
import { facts } from '../report/words.js';

const columns: Column[] = [
  { title: 'site', align: 'left' },
  { title: 'activation', align: 'left', elastic: true },
  { title: 'neurons', align: 'right' },
  { title: 'tensor', align: 'left', elastic: true },
];

/**
 * Renders what `audit inspect` found: the model, its inputs, and each site with the weights that feed its
 * neurons.
 */
export function renderInspection(
  inspection: Inspection,
  { explain = false, ...options }: TextOptions & { explain?: boolean } = {},
): string {
  const { inputs, outputs, sites, misses, warnings } = inspection;
  const page = layout(options);
  const { colors, label, paragraph } = page;
  return textOf([
    label('model', modelWords(inspection)),
    inputs.map((tensor, i) => label(i === 0 ? 'inputs' : '', withShape(tensor))),
    outputs.map((tensor, i) => label(i === 0 ? 'outputs' : '', withShape(tensor))),
    '',
    sites.length > 0 ? siteLines(sites, page) : 'No site was found.',
    warnings.map(({ message }) => ['', paragraph(`! ${message}`).map(colors.yellow)]),
    explain ? missLines(inspection, page) : hint(misses.length, colors),
  ]);
}

function modelWords({ model, kind, storedGraph, vocabulary, maxPositions }: Inspection): string {
  return facts(
    model.name,
    model.architecture !== model.name && model.architecture,
    `${quantity(model.parameters)} parameters`,
    model.opset !== null && `opset ${model.opset}`,
    `fed with ${kind}`,
    storedGraph && storedGraphWords(storedGraph),
    vocabulary !== null && `vocabulary of ${number(vocabulary)}`,
    maxPositions !== null && `at most ${number(maxPositions)} positions`,
  );
}

/** A line for each site, and below it one for each of its weights. */
function siteLines(sites: InspectedSite[], { colors, width }: Layout): Lines {
  const rows = sites.map(({ id, activation, neurons, tensor }) => [
    { text: id, paint: colors.bold },
    { text: activation ?? '' },
    { text: neurons === null ? '?' : number(neurons) },
    { text: `${tensor.type} ${shapeText(tensor.shape)}`, paint: colors.dim },
  ]);
  const [header = '', ...lines] = tableLines(columns, rows, width, colors);
  const details = (text: string): string[] =>
    wrap(text, width - 2, '    ').map((line) => colors.dim(`  ${line}`));
  return [
    header,
    sites.map(({ tensor, plus, weights }, i) => [
      lines[i]!,
      details(`tensor ${tensor.name}${plus === null ? '' : ` + ${plus}`}`),
      weights.map((weight) => details(weightText(weight))),
    ]),
  ];
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
  // The layer downstream, whose weights are `out`, has a bias for neurons of its own.
  const biasText = role === 'out' ? '' : bias === null ? 'no bias' : `bias ${bias}`;
  const from = first > 0 ? `from ${number(first)}` : '';
  const more = [`axis ${axis}`, from, ...fan, biasText].filter((fact) => fact !== '');
  return `${role} ${initializer}${where} ${type} ${shapeText(shape)}, ${more.join(', ')}`;
}

function missLines({ misses, sites }: Inspection, { colors, paragraph }: Layout): Lines {
  if (misses.length === 0) {
    const found = 'Nothing else came near a site.';
    const nothing = 'No activation function and no attention came near a site; `--map` names one by hand.';
    return ['', paragraph(sites.length > 0 ? found : nothing, '')];
  }
  const lines = misses.map(({ what, reason, at }) => paragraph(`${what} at ${at}: ${reason}`));
  return ['', colors.bold('Not found'), lines];
}

function hint(misses: number, { dim }: Colors): Lines {
  if (misses === 0) return [];
  return ['', dim(`${number(misses)} near ${misses === 1 ? 'miss' : 'misses'}: see \`--explain\`.`)];
}

function withShape({ name, type, shape }: InspectedTensor): string {
  return `${name} ${type} ${shapeText(shape)}`;
}

/** `[batch, 128, ?]`; a dimension without a name is `?`. */
function shapeText(shape: InspectedTensor['shape']): string {
  return shape === null ? 'of unknown rank' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

function storedGraphWords({ nodes }: NonNullable<Inspection['storedGraph']>): string {
  if (!nodes) return 'stores its graph';
  return `stores its graph of ${nodes.exact ? '' : 'at least '}${number(nodes.nodes)} nodes`;
}
