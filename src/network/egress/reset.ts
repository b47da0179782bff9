/** Ends a connection so that its other end notices that it was broken off. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** A stream of the stack in user/ resets its connection when it is destroyed too early; a TCP socket of the kernel is asked to. */
export function reset(stream: Duplex): void {
  // Whoever gets here has said why in the log.
  stream.on("error", () => {});
  if (stream instanceof Socket && stream.remoteFamily !== undefined) stream.resetAndDestroy();
  else stream.destroy();
}
