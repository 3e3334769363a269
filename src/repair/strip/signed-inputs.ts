import { inputMeans } from '../../measure/input-means.js';
import type { Subject } from '../../measure/subject.js';
import { number } from '../../report/format.js';
import type { Warning } from '../../report/schema.js';

/** Dead neurons by site id. */
type DeadNeurons = ReadonlyMap<string, readonly number[]>;

/**
 * Returns the warning that a strip by weight should have gone by contribution: it has left most of the
 * neurons dead, and some inputs of their layers are negative on average. A negative weight on a negative
 * input pushes a neuron up, so removing it does not revive anything. With inputs that are all ≥ 0, as after a
 * ReLU, there is no warning.
 *
 * Measures the means of the inputs, one pass, and only where most neurons are still dead.
 *
 * @param subject The stripped model.
 */
export async function signedInputs(
  subject: Subject,
  before: DeadNeurons,
  after: DeadNeurons,
): Promise<Warning | null> {
  const still = [...before].map(([id, neurons]) => {
    const now = new Set(after.get(id));
    return { id, dead: neurons.length, stillDead: neurons.filter((neuron) => now.has(neuron)).length };
  });
  const total = (of: 'dead' | 'stillDead') => still.reduce((sum, site) => sum + site[of], 0);
  if (2 * total('stillDead') <= total('dead')) return null;
  const ids = new Set(still.filter(({ stillDead }) => stillDead > 0).map(({ id }) => id));
  const means = [...(await inputMeans(subject, ({ id }) => ids.has(id))).values()].flatMap((of) => [...of]);
  const negative = means.filter((mean) => mean < 0).length;
  if (negative === 0) return null;
  return {
    code: 'signed-inputs',
    message:
      `${number(total('stillDead'))} of ${number(total('dead'))} neurons are still dead, and their inputs have both ` +
      `signs (${number(negative)} of ${number(means.length)} means are negative): \`--by contribution\` removes the ` +
      'weights that hold a neuron down on the data.',
  };
}
