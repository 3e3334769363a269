import { checkRules, type GateOptions } from '../report/gate.js';
import { readReport } from '../report/json.js';
import { gateSettings } from '../settings/output-settings.js';
import { namesOf, type Settings } from '../settings/settings.js';

export const gateNames = namesOf(gateSettings);

/** Rules, and the options of a gate. */
export interface Gating {
  rules: string[];
  options: GateOptions;
}

/**
 * Reads the rules and the baseline, and checks them before any long work.
 *
 * @throws UserError for a rule that cannot be read, options that need each other, or an unreadable baseline.
 */
export async function readGating(settings: Settings): Promise<Gating> {
  const { failOn: rules = [], maxDeadRatio, baseline, maxIncrease, strict } = settings;
  const options = {
    ...(maxDeadRatio !== undefined && { maxDeadRatio }),
    ...(maxIncrease !== undefined && { maxIncrease }),
    ...(strict !== undefined && { strict }),
  };
  checkRules(rules, { ...options, baseline });
  if (baseline === undefined) return { rules, options };
  return { rules, options: { ...options, baseline: await readReport(baseline) } };
}
