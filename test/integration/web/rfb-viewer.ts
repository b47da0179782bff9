/** Somebody at a display over a websocket, who reads pictures as they are. */
import { once } from "node:events";
import type { WebSocket } from "ws";

const VERSION = "RFB 003.008\n";
const RAW = 0;
const DESKTOP_SIZE = -223;

export class RfbViewer {
  readonly client: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  width = 0;
  height = 0;
  #pending: Buffer = Buffer.alloc(0);
  #more = Promise.withResolvers<void>();

  private constructor(client: WebSocket) {
    this.client = client;
    client.on("error", () => {});
    client.on("message", (data: Buffer) => {
      this.#pending = Buffer.concat([this.#pending, data]);
      this.#more.resolve();
      this.#more = Promise.withResolvers();
    });
    this.closed = new Promise((resolve) => {
      client.once("close", (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() }));
    });
  }

  /** Resolves when the handshake is over. */
  static async open(client: WebSocket): Promise<RfbViewer> {
    const viewer = new RfbViewer(client);
    await once(client, "open");
    await viewer.#greet();
    return viewer;
  }

  /** The same without a handshake. */
  static listen(client: WebSocket): RfbViewer {
    return new RfbViewer(client);
  }

  send(...bytes: number[]): void {
    this.client.send(Buffer.from(bytes));
  }

  /** Down and up. */
  type(text: string): void {
    for (const char of text) {
      const keysym = char === "\r" ? [0xff, 0x0d] : [0, char.charCodeAt(0)];
      this.send(4, 1, 0, 0, 0, 0, ...keysym);
      this.send(4, 0, 0, 0, 0, 0, ...keysym);
    }
  }

  ask({ incremental = true } = {}): void {
    const message = Buffer.of(3, incremental ? 1 : 0, 0, 0, 0, 0, 0, 0, 0, 0);
    message.writeUInt16BE(this.width, 6);
    message.writeUInt16BE(this.height, 8);
    this.client.send(message);
  }

  /** Resolves with how many rectangles the next update has; a new size of the screen is heeded. */
  async update(): Promise<number> {
    const head = await this.#take(4);
    if (head[0] !== 0) throw new Error(`a message of type ${head[0]}`);
    const count = head.readUInt16BE(2);
    for (let i = 0; i < count; i++) {
      const rectangle = await this.#take(12);
      const [width, height] = [rectangle.readUInt16BE(4), rectangle.readUInt16BE(6)];
      const encoding = rectangle.readInt32BE(8);
      if (encoding === DESKTOP_SIZE) [this.width, this.height] = [width, height];
      else if (encoding === RAW) await this.#take(width * height * 4);
      else throw new Error(`an encoding ${encoding}`);
    }
    return count;
  }

  async #greet(): Promise<void> {
    if ((await this.#take(12)).toString() !== VERSION) throw new Error("this is not RFB 3.8");
    this.client.send(Buffer.from(VERSION));
    const types = await this.#take((await this.#take(1)).readUInt8(0));
    if (!types.includes(1)) throw new Error("there is no login without a password");
    this.send(1);
    if ((await this.#take(4)).readUInt32BE(0) !== 0) throw new Error("the login was refused");
    this.send(1);
    const screen = await this.#take(24);
    [this.width, this.height] = [screen.readUInt16BE(0), screen.readUInt16BE(2)];
    await this.#take(screen.readUInt32BE(20));
    this.send(2, 0, 0, 2, 0, 0, 0, 0, 255, 255, 255, 0x21);
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#pending.length < count) {
      const more = await Promise.race([this.#more.promise.then(() => true), this.closed.then(() => false)]);
      if (!more && this.#pending.length < count) throw new Error("the display is gone");
    }
    const taken = this.#pending.subarray(0, count);
    this.#pending = this.#pending.subarray(count);
    return taken;
  }
}
