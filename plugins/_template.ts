import { hasName, type Plugin } from '../src/plugin.js';

/**
 * Copy this file for a new family. A third party imports from 'activation-auditor/plugin' instead, has the
 * plugin as its default export, and is loaded with `--plugin ./my-arch.js`.
 */
export const template: Plugin = {
  name: 'my-architecture',
  matches: (model) => hasName(model, /\bmy_block\.\d+\b/),
};
