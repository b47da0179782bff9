/**
 * How many connections a server has, in all and from one address, and what may wait on each: a connection takes a file
 * descriptor, of which the machines of the worker need some too, and nobody has to be logged in to open one.
 */
import type { RequestListener } from "node:http";
import type { Server, Socket } from "node:net";
import { networkOf } from "../../access/rate-limit.ts";

export interface ConnectionLimits {
  /** In all. */
  readonly max: number;
  /** Of one address; of IPv6, of each /64. */
  readonly maxEach: number;
  /** Addresses that stand for many others, such as those of proxies: these have no limit of their own. */
  readonly isTrusted: (address: string) => boolean;
}

/** A browser that shows a log, a screen and events has about six. */
export const CONNECTION_LIMITS: ConnectionLimits = { max: 4_000, maxEach: 1_000, isTrusted: () => false };

/** Hangs up on those that are too many, before anything is read of them. */
export function limitConnections(server: Server, { max, maxEach, isTrusted }: ConnectionLimits): void {
  const open = new Map<string, number>();
  server.maxConnections = max;
  // Before the server's own listener, which begins to read.
  server.prependListener("connection", (socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || isTrusted(remoteAddress)) return;
    const network = networkOf(remoteAddress);
    const count = (open.get(network) ?? 0) + 1;
    if (count > maxEach) {
      socket.destroy();
      return;
    }
    open.set(network, count);
    socket.once("close", () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
  });
}

/** Requests that wait for their answers on one connection; hardly any client sends one before it has the answer of another. */
const MAX_PIPELINED = 16;

/**
 * Hangs up on who sends request after request without waiting for answers: each takes memory, and an answer that waits
 * for the database is no reason for node to read less.
 */
export function limitPipelining(handler: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    // What else has come in the same block.
    if (socket.destroyed) return;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > MAX_PIPELINED) {
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    response.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    handler(request, response);
  };
}
