/** A server of files on this host, each with what it does when it is asked. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (response: ServerResponse, request: IncomingMessage) => void;

export class FileServer implements AsyncDisposable {
  /** What was asked for, in order; with the range, if there was one. */
  readonly requests: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param files By path; a string or bytes are sent. */
  static async start(files: Readonly<Record<string, Handler | string | Buffer>>): Promise<FileServer> {
    const server = createServer((request, response) => {
      const path = request.url ?? "";
      self.requests.push([path, request.headers.range].filter((part) => part !== undefined).join(" "));
      const file = Object.hasOwn(files, path) ? files[path] : undefined;
      if (typeof file === "function") file(response, request);
      else if (file === undefined) response.writeHead(404).end();
      else response.end(file);
    });
    const self = new FileServer(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return self;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
