/** Waits for a person at the terminal. */
import { once } from "node:events";
import type { Readable } from "node:stream";

/** Resolves at the next line of input, or at its end. @throws `signal.reason` */
export async function enterPressed(stdin: Readable, signal: AbortSignal): Promise<void> {
  stdin.resume();
  try {
    await Promise.race([once(stdin, "data", { signal }), once(stdin, "end", { signal })]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    stdin.pause();
  }
}
