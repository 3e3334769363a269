import { mergePatches } from '../../files/merge-patches.js';
import { tool } from '../../files/package.js';
import { finishReport } from '../../report/build.js';
import { partsOf } from '../../report/recompute.js';
import { type AuditReport, SCHEMA_VERSION, type SiteReport } from '../../report/schema.js';
import { changedBytes } from '../changed-files.js';
import type { QualityChange } from '../quality-change.js';
import type { StripChange, Unstripped } from './round.js';
import type { StripReport } from './schema.js';

/** One round of detect and strip. */
export interface Round {
  dead: number;
  changes: StripChange[];
  deadAfter: number;
}

export interface StripParts extends Pick<StripReport, 'createdAt' | 'options' | 'maxQualityLoss' | 'output'> {
  before: AuditReport;
  after: AuditReport;
  rounds: Round[];
  /** Of the last round. */
  unstripped: Unstripped[];
  quality: QualityChange;
  refused: boolean;
  /** Warnings besides those of the audit before. */
  warnings: StripReport['warnings'];
}

/** Writes the report of a strip, site by site and as a whole. */
export function stripReport(parts: StripParts): StripReport {
  const { before, after, rounds, createdAt, options, quality, maxQualityLoss, refused, output } = parts;
  const changes = rounds.flatMap((round) => round.changes);
  const sites = after.sites
    .filter(({ id }) => before.sites.some((site) => site.id === id))
    .map((site) =>
      siteResult(before.sites.find(({ id }) => id === site.id)!, site, changes, parts.unstripped),
    );
  const total = (of: (site: (typeof sites)[number]) => number) =>
    sites.reduce((sum, site) => sum + of(site), 0);
  const dead = { before: total((site) => site.dead.before), after: total((site) => site.dead.after) };
  const outcome = refused
    ? 'quality-refused'
    : dead.before === 0
      ? 'nothing-dead'
      : changes.length === 0
        ? 'nothing-to-strip'
        : 'stripped';
  return {
    schemaVersion: SCHEMA_VERSION,
    kind: 'strip',
    tool,
    createdAt,
    warnings: [...before.warnings, ...otherData(before, after), ...parts.warnings],
    model: before.model,
    data: after.data,
    runtime: after.runtime,
    criterion: after.criterion,
    options,
    rounds: rounds.map((round) => ({
      dead: round.dead,
      neurons: neuronsOf(round.changes),
      weights: weightsOf(round.changes),
      deadAfter: round.deadAfter,
    })),
    sites,
    summary: {
      outcome,
      dead,
      revived: total(({ revived }) => revived.length),
      newlyDead: total(({ newlyDead }) => newlyDead.length),
      strippedNeurons: neuronsOf(changes),
      weights: weightsOf(changes),
      bytesChanged: changedBytes(mergePatches(changes.flatMap(({ patches }) => patches))),
      capacity: { before: before.summary.capacity, after: capacityAfter(after, changes) },
    },
    quality,
    maxQualityLoss,
    output,
  };
}

/** Warns that a saved audit is of other data than the audits of this run. */
function otherData({ data: first }: AuditReport, { data: last }: AuditReport): AuditReport['warnings'] {
  const { name, split, positions } = last;
  if (first.name === name && first.split === split && first.positions === positions) return [];
  const words = ({ name, split, positions }: AuditReport['data']) =>
    `${[name, split].filter(Boolean).join(' ')}, ${positions} positions`;
  const message = `The saved audit is of other data (${words(first)}) than the audit afterwards (${words(last)}): dead before and after do not quite compare.`;
  return [{ code: 'data-differs', message }];
}

function siteResult(
  before: SiteReport,
  after: SiteReport,
  all: StripChange[],
  unstripped: Unstripped[],
): StripReport['sites'][number] {
  const { id, stack, layer, site, part, neurons } = after;
  const changes = all.filter((change) => change.site === id);
  const stripped = new Set(changes.map(({ neuron }) => neuron));
  const deadBefore = new Set(before.deadNeurons);
  const deadAfter = new Set(after.deadNeurons);
  return {
    id,
    stack,
    layer,
    site,
    part,
    neurons,
    dead: { before: before.dead, after: after.dead },
    stripped: stripped.size,
    weights: weightsOf(changes),
    revived: before.deadNeurons.filter((neuron) => !deadAfter.has(neuron)),
    newlyDead: after.deadNeurons.filter((neuron) => !deadBefore.has(neuron)),
    stillDead: reasons(
      after.deadNeurons.filter((neuron) => deadBefore.has(neuron)),
      stripped,
      unstripped.filter((each) => each.site === id),
    ),
  };
}

/** Groups neurons that are still dead by the reason why they are, each under one reason. */
function reasons(dead: number[], stripped: ReadonlySet<number>, unstripped: Unstripped[]) {
  const grouped = new Map<string, number[]>();
  for (const neuron of dead) {
    const known = unstripped.find(({ neurons }) => neurons.includes(neuron))?.reason;
    const reason =
      known ??
      (stripped.has(neuron)
        ? 'what was removed is not enough: more rounds or a larger fraction may be'
        : 'it was not reached');
    grouped.set(reason, [...(grouped.get(reason) ?? []), neuron]);
  }
  return [...grouped].map(([reason, neurons]) => ({ reason, neurons }));
}

/**
 * Returns the capacity after the strip. Pruned weights of neurons that are dead all the same belong to these,
 * and count once.
 */
function capacityAfter(after: AuditReport, changes: StripChange[]): AuditReport['summary']['capacity'] {
  const dead = new Map(after.sites.map(({ id, deadNeurons }) => [id, new Set(deadNeurons)]));
  const pruned = weightsOf(changes.filter(({ site, neuron }) => !dead.get(site)?.has(neuron)));
  return finishReport({ ...partsOf(after), pruned }).summary.capacity;
}

const weightsOf = (changes: StripChange[]): number =>
  changes.reduce((sum, { elements }) => sum + elements.length, 0);

const neuronsOf = (changes: StripChange[]): number =>
  new Set(changes.map(({ site, neuron }) => `${site} ${neuron}`)).size;
