/**
 * Ports of this host that lead to ports of a guest. *Owns* its listeners and the connections through them.
 *
 * Listening is what picks a port, so the port that is told is the port that is had.
 */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { codeOf, messageOf } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import { peerUid } from "../../host/peer-uid.ts";
import { VmError } from "../errors.ts";
import type { VmForward } from "../spec.ts";

export interface ForwardsOptions {
  readonly wanted: readonly VmForward[];
  /** To a port of the guest. */
  readonly connect: (port: number) => Promise<Duplex>;
  /** A connection could not be made. */
  readonly onFailure: (message: string) => void;
}

/** On each port; more wait until there is room. */
const MAX_CONNECTIONS = 256;

export class PortForwards implements AsyncDisposable {
  /** With the ports that were picked. */
  readonly all: readonly VmForward[];
  readonly #scope: Scope;

  private constructor(all: readonly VmForward[], scope: Scope) {
    this.all = all;
    this.#scope = scope;
  }

  /** @throws {VmError} `vm-invalid`: a port is in use, or may not be had; none is open then. */
  static async open({ wanted, connect, onFailure }: ForwardsOptions): Promise<PortForwards> {
    await using scope = new Scope();
    const all: VmForward[] = [];
    for (const forward of wanted) {
      const sockets = new Set<Socket>();
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        socket.on("error", () => {});
        void join(socket, forward.guestPort, connect).catch((error: unknown) => {
          socket.destroy();
          onFailure(`a connection to port ${forward.guestPort} of the guest: ${messageOf(error)}`);
        });
      });
      server.maxConnections = MAX_CONNECTIONS;
      scope.defer(() => {
        server.close();
        for (const socket of sockets) socket.destroy();
      });
      all.push({ ...forward, hostPort: await listen(server, forward) });
    }
    return new PortForwards(all, scope.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

async function join(socket: Socket, port: number, connect: (port: number) => Promise<Duplex>): Promise<void> {
  await requireSameUser(socket);
  const guest = await connect(port);
  guest.on("error", () => {});
  await Promise.all([pipeline(socket, guest, { end: true }), pipeline(guest, socket)]).catch((error: unknown) => {
    const code = codeOf(error);
    if (code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ECONNRESET" && code !== "EPIPE") throw error;
  });
}

/** What is open to this host only is open to its user only. @throws {Error} Somebody else has connected. */
async function requireSameUser(socket: Socket): Promise<void> {
  if (socket.localAddress !== "127.0.0.1" || socket.remoteAddress !== "127.0.0.1") return;
  const uid = await peerUid(socket);
  if (uid !== process.getuid?.()) throw new Error(`a process of another user (${uid ?? "unknown"}) was turned away`);
}

async function listen(server: Server, { host, hostPort }: VmForward): Promise<number> {
  server.listen({ host, port: hostPort });
  try {
    await once(server, "listening");
  } catch (cause) {
    const hint = codeOf(cause) === "EADDRINUSE" ? "; with port 0 one that is free is taken" : "";
    throw new VmError("vm-invalid", `cannot listen on ${host}:${hostPort}: ${messageOf(cause)}${hint}`, {
      blame: "host",
      cause,
    });
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : hostPort;
}
