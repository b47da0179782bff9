/** Any web server over a folder: it knows no ranges and takes nothing. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export class StaticServer implements AsyncDisposable {
  readonly url: string;
  /** Of every request, in their order. */
  readonly asked: { readonly method: string; readonly path: string; readonly authorization: string | undefined }[];
  readonly #server: Server;

  private constructor(server: Server, asked: StaticServer["asked"]) {
    this.#server = server;
    this.asked = asked;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param instead Answers first; what it says nothing about is a file. */
  static async start(directory: string, instead: (...given: Parameters<RequestListener>) => boolean = () => false) {
    const asked: StaticServer["asked"] = [];
    const server = createServer((request, response) => {
      const { method = "", url = "", headers } = request;
      asked.push({ method, path: url, authorization: headers.authorization });
      if (instead(request, response)) return;
      if (method !== "GET") return void response.writeHead(405).end();
      readFile(join(directory, decodeURIComponent(url))).then(
        (bytes) => response.writeHead(200, { "content-length": bytes.length }).end(bytes),
        () => response.writeHead(404).end("there is nothing"),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new StaticServer(server, asked);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
