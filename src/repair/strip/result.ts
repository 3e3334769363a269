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

/** What a strip did, site by site and as a whole. */
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

/** A saved audit may be of other data than the audits of this run. */
function otherData({ data: was }: AuditReport, { data: is }: AuditReport): AuditReport['warnings'] {
  if (was.name === is.name && was.split === is.split && was.positions === is.positions) return [];
  const words = ({ name, split, positions }: AuditReport['data']) =>
    `${[name, split].filter(Boolean).join(' ')}, ${positions} positions`;
  const message = `The saved audit is of other data (${words(was)}) than the audit afterwards (${words(is)}): dead before and after do not quite compare.`;
  return [{ code: 'data-differs', message }];
}

function siteResult(
  was: SiteReport,
  is: SiteReport,
  all: StripChange[],
  unstripped: Unstripped[],
): StripReport['sites'][number] {
  const { id, stack, layer, site, part, neurons } = is;
  const changes = all.filter((change) => change.site === id);
  const stripped = new Set(changes.map(({ neuron }) => neuron));
  const before = new Set(was.deadNeurons);
  const now = new Set(is.deadNeurons);
  return {
    id,
    stack,
    layer,
    site,
    part,
    neurons,
    dead: { before: was.dead, after: is.dead },
    stripped: stripped.size,
    weights: weightsOf(changes),
    revived: was.deadNeurons.filter((neuron) => !now.has(neuron)),
    newlyDead: is.deadNeurons.filter((neuron) => !before.has(neuron)),
    stillDead: reasons(
      is.deadNeurons.filter((neuron) => before.has(neuron)),
      stripped,
      unstripped.filter((one) => one.site === id),
    ),
  };
}

/** Why neurons are still dead, each under one reason. */
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

/** Pruned weights of neurons that are dead all the same are attached to these, and count once. */
function capacityAfter(after: AuditReport, changes: StripChange[]): AuditReport['summary']['capacity'] {
  const dead = new Map(after.sites.map(({ id, deadNeurons }) => [id, new Set(deadNeurons)]));
  const pruned = weightsOf(changes.filter(({ site, neuron }) => !dead.get(site)?.has(neuron)));
  return finishReport({ ...partsOf(after), pruned }).summary.capacity;
}

const weightsOf = (changes: StripChange[]): number =>
  changes.reduce((sum, { elements }) => sum + elements.length, 0);

const neuronsOf = (changes: StripChange[]): number =>
  new Set(changes.map(({ site, neuron }) => `${site} ${neuron}`)).size;
