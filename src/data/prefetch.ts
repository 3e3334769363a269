/**
 * Gives the same items, made ahead of the reader: up to `depth` lie ready while the reader works on one. An
 * error is thrown at its place in the order. A reader that leaves early stops the source.
 */
export async function* prefetch<T>(source: AsyncIterable<T>, depth = 4): AsyncGenerator<T> {
  const ready: T[] = [];
  let done = false;
  let failure: { error: unknown } | null = null;
  let stopped = false;
  let wakeReader = () => {};
  let wakeWriter = () => {};
  const writing = (async () => {
    try {
      for await (const item of source) {
        if (stopped) return;
        ready.push(item);
        wakeReader();
        while (ready.length >= depth && !stopped) {
          await new Promise<void>((resolve) => {
            wakeWriter = resolve;
          });
        }
        if (stopped) return;
      }
    } catch (error) {
      failure = { error };
    } finally {
      done = true;
      wakeReader();
    }
  })();
  try {
    for (;;) {
      const item = ready.shift();
      if (item !== undefined) {
        wakeWriter();
        yield item;
      } else if (done) {
        if (failure !== null) throw (failure as { error: unknown }).error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
    }
  } finally {
    stopped = true;
    wakeWriter();
    await writing;
  }
}
