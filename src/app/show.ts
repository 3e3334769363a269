import type { TextOptions } from '../report/colors.js';
import type { Format } from '../settings/output-settings.js';
import { readAnyReport, renderReport } from './report-kinds.js';

/**
 * Reads a saved report of any kind, and returns it as text.
 *
 * @throws UserError when the file is no report.
 */
export async function show(
  path: string,
  format: Format = 'table',
  options: TextOptions = {},
): Promise<string> {
  return renderReport(await readAnyReport(path), format, options);
}
