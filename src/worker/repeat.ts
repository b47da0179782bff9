/** Something that is done every now and then, one at a time. */
import { setTimeout as after } from "node:timers/promises";

export interface RepeatOptions {
  /** From the end of one to the begin of the next. */
  everyMs: number;
}

/** Does it at once, and again until it is disposed, which waits for the one that runs. @param work Must not reject. */
export function repeat(work: () => Promise<void>, { everyMs }: RepeatOptions): AsyncDisposable {
  const over = new AbortController();
  const loop = async () => {
    while (!over.signal.aborted) {
      await work();
      await after(everyMs, undefined, { signal: over.signal }).catch(() => {});
    }
  };
  const running = loop();
  return {
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await running;
    },
  };
}
