/** How long a first Ctrl-C waits for the partial result before it ends the process all the same. */
const patienceMilliseconds = 900;

export interface Interrupt {
  readonly signal: AbortSignal;
  /** The work has come to its end: no more deadline, but a second signal still exits at once. */
  settle(): void;
}

/**
 * The first SIGINT, SIGTERM or SIGHUP asks the work to stop and to hand over what it has; a second one, or the
 * deadline, ends the process at once. All of them mean exit code 130, whatever shells make of SIGTERM elsewhere.
 */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  let settled = false;
  const interrupted = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    setTimeout(() => {
      if (settled) return;
      process.stderr.write('audit: Interrupted; there was nothing to hand over yet.\n');
      process.exit(130);
    }, patienceMilliseconds).unref();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupted);
  return {
    signal: controller.signal,
    settle: () => {
      settled = true;
    },
  };
}
