/** A viewer of a display as noVNC is one, which throws away what it sees. */
import { once } from "node:events";
import type { WebSocket } from "ws";

/** Of noVNC, the one it likes best first: copy, tight, hextile, RRE, raw, and the pseudo-encodings of QEMU. */
const ENCODINGS = [1, 7, 5, 2, 0, -26, -247, -223, -224, -258, -308];
/** How often a page asks: as often as it draws, if it can. */
const ASK_EVERY_MS = 33;

const SECURITY_NONE = 1;
const SHARED = 1;

/** Resolves when it sees the display; from then on it asks for what has changed until the connection is over. */
export async function startViewing(client: WebSocket, onBytes: (count: number) => void): Promise<void> {
  let pending = Buffer.alloc(0);
  let more = Promise.withResolvers<void>();
  client.on("message", (data: Buffer) => {
    onBytes(data.length);
    if (!isGreeting) return;
    pending = Buffer.concat([pending, data]);
    more.resolve();
    more = Promise.withResolvers<void>();
  });
  let isGreeting = true;
  const take = async (count: number): Promise<Buffer> => {
    while (pending.length < count) await more.promise;
    const taken = pending.subarray(0, count);
    pending = pending.subarray(count);
    return taken;
  };
  await once(client, "open");
  await take(12);
  client.send(Buffer.from("RFB 003.008\n"));
  await take((await take(1)).readUInt8(0));
  client.send(Buffer.of(SECURITY_NONE));
  await take(4);
  client.send(Buffer.of(SHARED));
  const screen = await take(24);
  await take(screen.readUInt32BE(20));
  isGreeting = false;
  client.send(encodings());
  const [width, height] = [screen.readUInt16BE(0), screen.readUInt16BE(2)];
  client.send(updateRequest(width, height, false));
  const timer = setInterval(() => client.send(updateRequest(width, height, true)), ASK_EVERY_MS);
  client.once("close", () => clearInterval(timer));
}

function encodings(): Buffer {
  const message = Buffer.alloc(4 + 4 * ENCODINGS.length);
  message.writeUInt8(2, 0);
  message.writeUInt16BE(ENCODINGS.length, 2);
  for (const [index, encoding] of ENCODINGS.entries()) message.writeInt32BE(encoding, 4 + 4 * index);
  return message;
}

function updateRequest(width: number, height: number, incremental: boolean): Buffer {
  const message = Buffer.alloc(10);
  message.writeUInt8(3, 0);
  message.writeUInt8(incremental ? 1 : 0, 1);
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}
