import type { TextOptions } from '../report/colors.js';
import { readAnyReport } from '../report/json.js';
import { type Format, renderReport } from '../report/render.js';

/**
 * A saved report of any kind as text.
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
