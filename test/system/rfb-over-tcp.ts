/** A VNC viewer at an address, as programs of people are. */
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import type { WebSocket } from "ws";
import { RfbViewer } from "../integration/web/rfb-viewer.ts";

/** @param address Such as `vnc://127.0.0.1:5900`. */
export async function openViewer(address: string): Promise<{ viewer: RfbViewer; hangUp: () => void }> {
  const socket = connect(Number(new URL(address).port), "127.0.0.1");
  const messages = new EventEmitter();
  const carrier = Object.assign(messages, { send: (bytes: Uint8Array) => socket.write(bytes) });
  const opened = RfbViewer.open(carrier as unknown as WebSocket);
  socket.on("data", (bytes) => messages.emit("message", bytes));
  socket.on("error", (error) => messages.emit("error", error));
  socket.once("close", () => messages.emit("close", 0, Buffer.of()));
  await once(socket, "connect");
  messages.emit("open");
  return { viewer: await opened, hangUp: () => socket.destroy() };
}
