/** Serves one file, which comes drop by drop until the gate is opened. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const DROP_BYTES = 1_024;
const CHUNK_BYTES = 65_536;

export class GatedServer implements AsyncDisposable {
  /** Responses whose body was taken to its end. */
  downloads = 0;
  requests = 0;
  #body: Uint8Array;
  readonly #waiting = new Map<ServerResponse, number>();
  #isOpen = false;
  readonly #server: Server;

  private constructor(server: Server, body: Uint8Array) {
    this.#server = server;
    this.#body = body;
  }

  /** @param body Larger than what the sockets of a connection that nobody reads can hold. */
  static async start(body: Uint8Array): Promise<GatedServer> {
    const server = createServer((_, response) => self.#answer(response));
    const self = new GatedServer(server, body);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return self;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/image.tar.zst`;
  }

  /** Sends a little more to everybody who waits. */
  advance(): void {
    for (const [response, offset] of this.#waiting) {
      response.write(this.#body.subarray(offset, offset + DROP_BYTES));
      this.#waiting.set(response, offset + DROP_BYTES);
    }
  }

  /** Sends the rest to everybody; who comes later is not held up. @param body Another one of the same length. */
  open(body = this.#body): void {
    this.#body = body;
    this.#isOpen = true;
    for (const [response, offset] of this.#waiting) void this.#send(response, offset);
    this.#waiting.clear();
  }

  #answer(response: ServerResponse): void {
    this.requests++;
    response.on("close", () => this.#waiting.delete(response));
    response.on("finish", () => this.downloads++);
    response.writeHead(200, { etag: '"v1"', "content-length": String(this.#body.length) });
    if (this.#isOpen) void this.#send(response, 0);
    else this.#waiting.set(response, 0);
  }

  async #send(response: ServerResponse, offset: number): Promise<void> {
    const body = this.#body;
    const chunks = function* () {
      for (let at = offset; at < body.length; at += CHUNK_BYTES) yield body.subarray(at, at + CHUNK_BYTES);
    };
    // Whoever learns that the image is here already closes the connection.
    await pipeline(Readable.from(chunks()), response).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
