import { z } from 'zod';
import { count } from '../report/schema.js';

/** A file that a repair changed: by its name, as it was before and as it is. */
export const changedFileSchema = z.object({
  name: z.string(),
  bytes: count,
  sha256: z.object({ before: z.string(), after: z.string() }),
});
