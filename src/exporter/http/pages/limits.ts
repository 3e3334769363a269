import { parseRule } from '../../../report/rules.js';
import type { RuleExtract } from '../../metrics/extract.js';
import type { Limit } from '../charts/trend.js';

/** Finds the limits of the dead ratio of MLP neurons among the rules of a gate. */
export function limitsOf(rules: readonly RuleExtract[]): Limit[] {
  return rules.flatMap(({ rule }) => limitOf(rule) ?? []);
}

function limitOf(text: string): Limit | null {
  try {
    const { aggregate, selector, field, comparison, limit } = parseRule(text);
    const isAbove = comparison === '>' || comparison === '>=';
    if (field !== 'dead_ratio' || !isAbove || !/(^|\.)mlp_post$/.test(selector)) return null;
    if (selector === 'mlp_post') return { name: 'limit', ratio: limit };
    if (selector === '*.mlp_post' && aggregate !== 'mean')
      return { name: 'limit of each layer', ratio: limit };
    return { name: `limit of ${selector}`, ratio: limit };
  } catch {
    return null; // the comparison with a baseline is no rule of the grammar
  }
}
