import type { ModelFile } from './model-files.js';
import type { ExporterService } from './service.js';
import type { Log } from './types.js';
import { type WatchOptions, watcher } from './watch.js';

export interface FolderOptions extends Pick<WatchOptions, 'watch' | 'everySeconds' | 'settleSeconds'> {
  /** Seconds between two scans of the folder. */
  pollSeconds: number;
  log: Log;
}

/**
 * Scans the models folder again and again and tells the service what is there and what is due. A scan that
 * fails is logged, and the next one may succeed.
 *
 * @param first Result of a first scan.
 * @returns A function that ends the scans.
 */
export function watchFolder(
  { watch, everySeconds, settleSeconds, pollSeconds, log }: FolderOptions,
  service: ExporterService,
  scan: () => Promise<ModelFile[]>,
  first: ModelFile[],
): () => void {
  const due = watcher({
    ...{ watch, everySeconds, settleSeconds },
    auditedAt: service.auditedAt,
    audit: (file, trigger) => {
      try {
        service.enqueue(file, trigger);
      } catch (error) {
        log.error({ model: file.model, err: error }, 'not queued');
      }
    },
  });
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = (files: ModelFile[]) => {
    service.setFiles(files);
    // While reports cannot be stored, an audit would be in vain; it is due again afterwards.
    if (service.problem() === null) due.look(files, Date.now());
  };
  const scanAgain = async () => {
    try {
      const files = await scan();
      if (!stopped) look(files);
    } catch (error) {
      log.error({ err: error }, 'the models folder cannot be read');
    }
    if (!stopped) timer = setTimeout(scanAgain, pollSeconds * 1000);
  };
  service.setFiles(first);
  service.takeUp();
  look(first);
  timer = setTimeout(scanAgain, pollSeconds * 1000);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
