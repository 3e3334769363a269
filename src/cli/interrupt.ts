/** Time that a first Ctrl-C leaves for the partial result, before it ends the process all the same. */
const patienceMilliseconds = 900;

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Lifts the deadline, since the work has come to its end; a second signal still exits at once. */
  settle(): void;
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP. The first of them asks the work to stop and to hand over what it
 * has; a second one, or the deadline, ends the process at once. The exit code is 130 for all of them,
 * whatever shells make of SIGTERM elsewhere.
 */
export function listenForInterrupt(): Interrupt {
  const controller = new AbortController();
  let settled = false;
  const interrupted = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    setTimeout(() => {
      if (settled) return;
      process.stderr.write('audit: Interrupted, before there was a result.\n');
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
