/** An HTTP server on a unix socket or an address, with TLS or without. *Owns* the server and its connections, also those it has handed over. */
import { once } from "node:events";
import { chmod, rm } from "node:fs/promises";
import type { IncomingMessage, RequestListener, Server, ServerOptions } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import { limitBody } from "./body-limit.ts";
import type { Certificate } from "./certificate.ts";
import { CONNECTION_LIMITS, type ConnectionLimits, limitConnections, limitPipelining } from "./connection-limit.ts";

const { createServer } = process.getBuiltinModule("node:http");
const { createServer: createSecureServer } = process.getBuiltinModule("node:https");

/** A request has to be there in this time; its answer may take as long as it likes. */
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  maxHeaderSize: 16 * 1_024,
  connectionsCheckingInterval: 5_000,
};

/** Milliseconds, and bytes. */
export type ServiceLimits = typeof LIMITS;

export interface ServiceOptions {
  /** Makes it HTTPS; it is the caller's. */
  certificate?: Certificate | undefined;
  /** Those that are left out are as they always are. */
  limits?: Partial<ServiceLimits>;
  connections?: Partial<ConnectionLimits>;
}

/** A path of at most 107 bytes in a folder of our own, or an address of this host; port 0 takes one that is free. */
export type ServiceAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export class HttpService implements AsyncDisposable {
  readonly #server: Server;
  readonly #address: ServiceAddress;
  /** Connections that are no longer the server's; it waits for them all the same. */
  readonly #upgraded: ReadonlySet<Duplex>;

  private constructor(server: Server, address: ServiceAddress, upgraded: ReadonlySet<Duplex>) {
    this.#server = server;
    this.#address = address;
    this.#upgraded = upgraded;
  }

  /**
   * @param upgrade Takes over websocket connections; those that are left end with the service.
   * @throws {WorkerError} `address-in-use`: another process listens there; `cannot-listen`.
   */
  static async listen(
    address: ServiceAddress,
    handler: RequestListener,
    upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void,
    { certificate, limits, connections }: ServiceOptions = {},
  ): Promise<HttpService> {
    if ("path" in address) await removeStaleSocket(address.path);
    const shouldUpgradeCallback = (request: IncomingMessage) => upgrade !== undefined && wantsWebsocket(request);
    const { requestTimeout, ...others } = { ...LIMITS, ...limits };
    const options = { ...others, requestTimeout: 0, shouldUpgradeCallback };
    const limited = limitPipelining(limitBody(handler, requestTimeout));
    const server =
      certificate === undefined ? createServer(options, limited) : secureServer(certificate, options, limited);
    limitConnections(server, { ...CONNECTION_LIMITS, ...connections });
    const upgraded = new Set<Duplex>();
    if (upgrade !== undefined) {
      server.on("upgrade", (request, socket, head) => {
        upgraded.add(socket);
        socket.once("close", () => upgraded.delete(socket));
        upgrade(request, socket, head);
      });
    }
    server.listen("path" in address ? { path: address.path } : { host: address.host, port: address.port });
    try {
      await once(server, "listening");
    } catch (error) {
      throw cannotListen(address, error);
    }
    if ("path" in address) await chmod(address.path, 0o600);
    return new HttpService(server, address, upgraded);
  }

  /** Undefined on a unix socket. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    await closed;
    if ("path" in this.#address) await rm(this.#address.path, { force: true });
  }
}

/** Any other protocol that a client offers to speak is an offer that may be passed over (RFC 9110, 7.8). */
function wantsWebsocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

function secureServer(certificate: Certificate, limits: ServerOptions, handler: RequestListener): Server {
  const server = createSecureServer(
    { ...limits, ...certificate.pair, handshakeTimeout: LIMITS.headersTimeout },
    handler,
  );
  certificate.onChange = (pair) => server.setSecureContext(pair);
  return server;
}

/** A socket that nobody listens on was left by a process that was killed. */
async function removeStaleSocket(path: string): Promise<void> {
  const socket = connect({ path });
  try {
    await once(socket, "connect");
  } catch (error) {
    if (codeOf(error) === "ECONNREFUSED") await rm(path, { force: true });
    return;
  } finally {
    socket.destroy();
  }
}

function cannotListen(address: ServiceAddress, cause: unknown): WorkerError {
  const where = "path" in address ? address.path : `${address.host}:${address.port}`;
  const inUse = codeOf(cause) === "EADDRINUSE";
  const message = inUse
    ? `another process listens on ${where}; is there a worker already?`
    : `cannot listen on ${where}: ${messageOf(cause)}`;
  return new WorkerError(message, { code: inUse ? "address-in-use" : "cannot-listen", blame: "host", cause });
}
