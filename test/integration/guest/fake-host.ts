/** A host that an agent finds, and that has a shell opened; what it says on the websocket is up to the test. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { listen } from "./guest-harness.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A frame as a server sends it, or as it must not. */
export function frameOf(
  opcode: number,
  payload: Uint8Array | string,
  { final = true, masked = false, reserved = 0 } = {},
): Buffer {
  const body = Buffer.from(payload);
  const first = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  const head =
    body.length < 126 ? [first, mask | body.length] : [first, mask | 126, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.of(...head), Buffer.alloc(masked ? 4 : 0), body]);
}

/** The end of the agent's side: frames unmasked, and the end of the connection. */
export class AgentLine {
  readonly socket: Duplex;
  /** Messages by opcode, in order. */
  readonly frames: { opcode: number; payload: Buffer }[] = [];
  readonly closed: Promise<void>;
  #rest: Buffer = Buffer.alloc(0);
  #changed = Promise.withResolvers<void>();

  constructor(socket: Duplex) {
    this.socket = socket;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    socket.on("close", closed.resolve);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => socket.end());
    void this.closed.then(() => this.#changed.resolve());
  }

  /** The first frame that is so; rejects if the connection ends without. */
  async frame(isIt: (opcode: number, payload: Buffer) => boolean): Promise<Buffer> {
    for (;;) {
      const found = this.frames.find(({ opcode, payload }) => isIt(opcode, payload));
      if (found !== undefined) return found.payload;
      if (this.socket.destroyed) throw new Error("the agent has closed the connection");
      await this.#changed.promise;
    }
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) this.frames.push(frame);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #next(): { opcode: number; payload: Buffer } | undefined {
    const [first = 0, second = 0] = this.#rest;
    const short = second & 0x7f;
    const start = short === 126 ? 4 : 2;
    if (this.#rest.length < start + 4) return undefined;
    if ((second & 0x80) === 0) throw new Error("the agent must mask what it sends");
    const length = short === 126 ? this.#rest.readUInt16BE(2) : short;
    const end = start + 4 + length;
    if (this.#rest.length < end) return undefined;
    const mask = this.#rest.subarray(start, start + 4);
    const payload = Buffer.from(this.#rest.subarray(start + 4, end)).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
    this.#rest = this.#rest.subarray(end);
    return { opcode: first & 0x0f, payload: Buffer.from(payload) };
  }
}

export class FakeHost implements AsyncDisposable {
  readonly url: string;
  /** The agent has asked for a websocket, and was answered. */
  readonly line: Promise<AgentLine>;
  readonly #dispose: () => void;

  private constructor(url: string, line: Promise<AgentLine>, dispose: () => void) {
    this.url = url;
    this.line = line;
    this.#dispose = dispose;
  }

  /** `greeting` goes out in one piece with the end of the handshake. */
  static async start(
    command: readonly string[],
    { greeting = Buffer.alloc(0), accept }: { greeting?: Buffer; accept?: string } = {},
  ): Promise<FakeHost> {
    const line = Promise.withResolvers<AgentLine>();
    let asked = false;
    const server = createServer((request, response) => {
      const isFirst = request.url === "/engine/v1/poll" && !asked;
      asked ||= isFirst;
      if (isFirst) response.end(JSON.stringify({ id: "a-shell", type: "exec-shell", command, tty: false }));
      // Any other question stays open.
    });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
      const key = String(request.headers["sec-websocket-key"]);
      const right = createHash("sha1")
        .update(key + GUID)
        .digest("base64");
      const head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept ?? right}\r\n\r\n`;
      const agent = new AgentLine(socket);
      socket.write(Buffer.concat([Buffer.from(head), greeting]));
      line.resolve(agent);
    });
    const port = await listen(server);
    return new FakeHost(`http://127.0.0.1:${port}`, line.promise, () => {
      server.close();
      server.closeAllConnections();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dispose();
    (await Promise.race([this.line, undefined]))?.socket.destroy();
  }
}
