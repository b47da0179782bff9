/** A shell in a machine that stays: what its supervisor says on a websocket, as who joins clients to shells has it. */
import { createWebSocketStream, type WebSocket } from "ws";
import { VmError } from "../../../hypervisor/errors.ts";
import type { ShellPeer } from "../shell-session.ts";

/** As {@link closeSocket} has it: the shell has ended by itself. */
const DONE = 1_000;

/**
 * @param socket Paused; owned from now on.
 * @param look Called when the connection ends otherwise than by the end of the shell; awaited before that is told.
 */
export function shellPeer(socket: WebSocket, look: () => Promise<void>): ShellPeer {
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once("close", (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }));
  });
  // Each message stays one.
  const stream = createWebSocketStream(socket, { readableObjectMode: true });
  stream.on("error", () => {});
  socket.resume();
  let isDisposed = false;
  async function* frames(): AsyncGenerator<Buffer> {
    try {
      for await (const frame of stream as AsyncIterable<Buffer>) yield frame;
    } catch {
      // The connection says below how it has ended.
    }
    if (isDisposed) return;
    const { code, reason } = await closed;
    if (code === DONE) return;
    await look();
    const message = reason === "" ? "the connection to the machine is lost" : reason;
    throw new VmError("vm-lost", message, { blame: "host" });
  }
  return {
    frames: frames(),
    // What is sent after the end is dropped.
    send: (frame) => new Promise((resolve) => stream.write(frame, () => resolve())),
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      stream.destroy();
    },
  };
}
