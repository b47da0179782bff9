/** Ends a connection so that its other end notices that it was broken off. */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** A socket of the kernel that is not connected any more cannot be asked to. */
export function reset(stream: Duplex): void {
  // Whoever gets here has said why in the log.
  stream.on("error", () => {});
  if (canReset(stream) && !(stream instanceof Socket && stream.remoteFamily === undefined)) stream.resetAndDestroy();
  else stream.destroy();
}

function canReset(stream: Duplex): stream is Duplex & { resetAndDestroy(): void } {
  return "resetAndDestroy" in stream && typeof stream.resetAndDestroy === "function";
}
