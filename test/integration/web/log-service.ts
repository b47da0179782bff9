/** One log, at the addresses of a worker's API on loopback. */
import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import type { Readable } from "node:stream";
import { WebSocket } from "ws";
import { HOST } from "../../../src/access/principal.ts";
import { Scope } from "../../../src/base/scope.ts";
import type { LogSource, ReadLogOptions } from "../../../src/log/log-source.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { SocketServer } from "../../../src/web/api/socket-server.ts";
import { logRoutes } from "../../../src/web/runs/log-routes.ts";
import { logSocketRoute } from "../../../src/web/runs/log-socket.ts";
import { HttpService } from "../../../src/web/server/service.ts";

const PATH = "/api/v1/tasks/a-task/runs/0/logs/task.log";

export class LogService implements AsyncDisposable {
  /** What reads the log for clients, in the order they came. */
  readonly readers: Readable[] = [];
  readonly port: number;
  readonly #scope: Scope;

  private constructor(port: number, readers: Readable[], scope: Scope) {
    this.port = port;
    this.readers = readers;
    this.#scope = scope;
  }

  static async start(source: LogSource, { pingMs }: { pingMs?: number } = {}): Promise<LogService> {
    await using scope = new Scope();
    const readers: Readable[] = [];
    const watched = watchReaders(source, readers);
    const lookup = ({ task, run, name }: { task: string; run: number | "latest"; name: string }) =>
      task === "a-task" && run === 0 && name === "task.log" ? watched : undefined;
    const authenticate = async () => HOST;
    const routes = [logSocketRoute(lookup)];
    const sockets = scope.use(new SocketServer({ routes, authenticate, ...(pingMs === undefined ? {} : { pingMs }) }));
    const service = scope.use(
      await HttpService.listen(
        { host: "127.0.0.1", port: 0 },
        createApp({ routes: logRoutes(lookup), authenticate }),
        (upgrade, socket, head) => sockets.upgrade(upgrade, socket, head),
      ),
    );
    return new LogService(service.port as number, readers, scope.move());
  }

  /** Resolves with the head of the answer, which goes on. */
  async get(
    query = "",
    {
      path = PATH,
      headers = {},
      method = "GET",
    }: { path?: string; headers?: IncomingHttpHeaders; method?: string } = {},
  ): Promise<IncomingMessage> {
    const asked = request({ port: this.port, path: `${path}${query}`, headers, method, agent: false });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    return response;
  }

  connect(query = "", { path = PATH, origin }: { path?: string; origin?: string } = {}): WebSocket {
    return new WebSocket(`ws://127.0.0.1:${this.port}${path}${query}`, origin === undefined ? {} : { origin });
  }

  /** Resolves when the service has let go of the log for each client that has come. */
  async released(): Promise<void> {
    await Promise.all(
      this.readers.map(async (reader) => {
        if (!reader.closed) await new Promise((resolve) => reader.once("close", resolve));
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

function watchReaders(source: LogSource, readers: Readable[]): LogSource {
  return new Proxy(source, {
    get(target, property) {
      if (property === "read") {
        return (options?: ReadLogOptions) => {
          const reader = target.read(options);
          readers.push(reader.on("error", () => {}));
          return reader;
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export interface SocketEnd {
  offset: number;
  text: string;
  code: number;
}

/** Reads a socket to its end. */
export async function readSocket(client: WebSocket): Promise<SocketEnd> {
  let offset = Number.NaN;
  const blocks: Buffer[] = [];
  client.on("message", (data: Buffer, isBinary) => {
    if (isBinary) blocks.push(data);
    else offset = (JSON.parse(data.toString()) as { offset: number }).offset;
  });
  const [code] = (await once(client, "close")) as [number];
  return { offset, text: Buffer.concat(blocks).toString(), code };
}
