import {
  FieldColorBuilder,
  FieldColorModeId,
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';

/** Text of a panel that has no data. */
export const NO_AUDIT = 'No audit yet';

/** A limit, and the colour from there on. */
type Limit = [value: number, color: string];

/**
 * Colours by steps: green from 0 on. What has no value is below all steps and has the colour of text: a model
 * without an audit must not look healthy. Every panel that colours by value has steps of its own, since the
 * default, red from 80 on, is about percentages.
 */
export function steps(...limits: Limit[]): ThresholdsConfigBuilder {
  return stepsFrom([0, 'green'], ...limits);
}

function stepsFrom(...limits: Limit[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: 'text' }, ...limits.map(([value, color]) => ({ value, color }))]);
}

/** One colour for all values: for numbers that are neither good nor bad. */
export const plainSteps = stepsFrom();

/** Colour of bars that count. */
export const blue = new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor('blue');

/** Limits of dead ratios: the red one is that of the alert ActivationAuditDeadRatioHigh. */
const DEAD_LIMITS: Limit[] = [
  [0.05, 'yellow'],
  [0.2, 'red'],
];
export const deadSteps = steps(...DEAD_LIMITS);
/** The same for dashed lines on a graph, without a line at 0. */
export const deadLimits = stepsFrom(...DEAD_LIMITS);

/** Ages of an audit: the red one is that of the alert ActivationAuditStale. */
export const ageSteps = steps([43_200, 'yellow'], [86_400, 'red']);

/** Anything above 0 is bad. */
export const faultSteps = steps([1, 'red']);

/**
 * Least top of the vertical axis. Without it the axis of a healthy model, on which everything is 0, goes to
 * 10,000 %.
 */
export const LEAST_TOP = { percentunit: 0.1, none: 5 } as const;

/** Shows 0 and 1 as words. */
export function verdicts(failed: string, passed: string): ValueMapping[] {
  return [
    {
      type: MappingType.ValueToText,
      options: { '0': { text: failed, color: 'red' }, '1': { text: passed, color: 'green' } },
    },
  ];
}

/** Shows one value as a word. */
export function wordFor(value: number, text: string): ValueMapping[] {
  return [{ type: MappingType.ValueToText, options: { [String(value)]: { text } } }];
}

/** A property of a table's column. */
export interface Property {
  id: string;
  // biome-ignore lint/suspicious/noExplicitAny: Grafana's own type
  value: any;
}

/** A column of severities. */
export const severityColumn: Property[] = [
  {
    id: 'mappings',
    value: [
      {
        type: MappingType.ValueToText,
        options: { critical: { color: 'red' }, warning: { color: 'orange' }, info: { color: 'blue' } },
      },
    ],
  },
  { id: 'custom.cellOptions', value: { type: 'color-text' } },
  { id: 'custom.width', value: 110 },
];

/** A column of words coloured by its mappings. */
export function verdictColumn(failed: string, passed: string): Property[] {
  return [
    { id: 'mappings', value: verdicts(failed, passed) },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
    NARROW,
  ];
}

/** A column's text where a model has no such value. */
export const empty = (text: string): Property => ({ id: 'noValue', value: text });

const NARROW: Property = { id: 'custom.width', value: 110 };

const ratio: Property[] = [{ id: 'unit', value: 'percentunit' }, { id: 'decimals', value: 2 }, empty('–')];

export const ratioColumn: Property[] = [...ratio, NARROW];

export const ageColumn: Property[] = [
  { id: 'unit', value: 's' },
  { id: 'decimals', value: 1 },
  empty('never'),
  NARROW,
];

/**
 * A column of ratios drawn as bars from 0 to 1: scaled to its own maximum, a hundredth of a percent would
 * fill the cell.
 */
export const deadBarColumn: Property[] = [
  ...ratio,
  { id: 'min', value: 0 },
  { id: 'max', value: 1 },
  { id: 'thresholds', value: deadSteps.build() },
  { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic' } },
];

export const deadTextColumn: Property[] = [
  ...ratioColumn,
  { id: 'thresholds', value: deadSteps.build() },
  { id: 'custom.cellOptions', value: { type: 'color-text' } },
];

/** A link in a column's cells. */
export function linkColumn(title: string, url: string): Property {
  return { id: 'links', value: [{ title, url, targetBlank: false }] };
}
