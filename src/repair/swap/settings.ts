import { z } from 'zod';
import { group, text, textSetting } from '../../settings/setting.js';
import { WRITTEN_ACTIVATIONS } from './spellings.js';

/** Settings of a swap besides those of its audits. */
export const swapSettings = group('Swap', {
  to: {
    kind: 'names',
    schema: z.array(text),
    expected: `some of ${WRITTEN_ACTIVATIONS.join(', ')}`,
    value: 'list',
    help: `Functions to try, of ${WRITTEN_ACTIVATIONS.join(', ')}; a parameter may follow: leaky_relu:0.8`,
  },
  alpha: {
    kind: 'number',
    schema: z.number(),
    expected: 'a number',
    value: 'x',
    help: 'Slope of Leaky ReLU below 0, and −limit of ELU',
    otherwise: '0.01 and 1',
  },
  output: textSetting('the path of a folder', {
    short: 'o',
    value: 'dir',
    path: 'file',
    help: 'Write the models and the chart into this folder',
  }),
});
