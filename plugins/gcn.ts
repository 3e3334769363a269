import type { Plugin } from '../src/plugin.js';

/** Graph convolutions (Kipf & Welling 2016 and relatives): a graph structure is an input beside node features. */
export const gcn: Plugin = {
  name: 'gcn',
  matches: ({ graph }) =>
    graph.inputs.some(
      ({ name, tensor }) => !tensor && /^(edge_index|adj(acency)?(_matrix|_t|_norm)?|edges)$/i.test(name),
    ),
};
