/** A connection to the display of a machine. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { codeOf } from "../base/errors.ts";

/** QEMU accepts one at a time; to the others its socket says to try again. */
const RETRY_MS = 20;
const MAX_MS = 10_000;

/** @throws what the kernel says: there is no such socket, or QEMU does not answer. */
export async function connectDisplay(path: string): Promise<Socket> {
  const endMs = performance.now() + MAX_MS;
  for (;;) {
    const socket = connect({ path });
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      socket.destroy();
      if (codeOf(error) !== "EAGAIN" || performance.now() > endMs) throw error;
      await after(RETRY_MS * (0.5 + Math.random()));
    }
  }
}
