/** One websocket of the API, as data. */
import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { Principal } from "../../access/principal.ts";
import type { Permission } from "../../access/role.ts";
import type { Parameters, ParsedQuery } from "./parameters.ts";

export interface SocketCall<Q extends Parameters = Parameters> {
  /** Undefined: nobody has logged in, which is enough for a route without a permission. */
  readonly principal: Principal | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly query: ParsedQuery<Q>;
  readonly request: IncomingMessage;
}

/** Has something already for the client to come: either of the two is called, once. */
export interface SocketService {
  serve(client: WebSocket): void;
  /** The connection did not become a websocket: its client hung up, or did not ask for one as it should. */
  drop(): void;
}

export interface SocketRouteOptions<Q extends Parameters> {
  /** From the root, with names in braces. */
  readonly path: string;
  /** Unique, in camel case. */
  readonly operation: string;
  readonly summary: string;
  /** Undefined: {@link SocketRouteOptions.open} decides, by a ticket for example. */
  readonly permission: Permission | undefined;
  readonly query: Q;
  /** Pages of other hosts may open it: what lets in is in the address, which no browser adds by itself. Default: not. */
  readonly isForAnyPage?: boolean;
  /** Default: this worker answers. */
  readonly answeredBy?: "run" | "worker";
  /** Most bytes of a message of a client. */
  readonly maxMessageBytes: number;
  /** Names of the protocol, where clients ask for one by name. */
  readonly protocols?: readonly string[];
  /**
   * Resolves with what serves the client, once the connection is a websocket; what it throws before is an answer of HTTP.
   * The server takes care of pings, and of a client that is gone.
   *
   * @throws {ApiError}
   */
  readonly open: (call: SocketCall<Q>) => Promise<SocketService | SocketService["serve"]>;
}

export type SocketRoute = SocketRouteOptions<Parameters>;

export function defineSocketRoute<const Q extends Parameters>(options: SocketRouteOptions<Q>): SocketRoute {
  return options as unknown as SocketRoute;
}
