/** TCP connections to addresses that have been vetted. */
import { connect, type Socket } from "node:net";
import { codeOf } from "../../base/errors.ts";
import { formatIpv4Address } from "../../base/ipv4.ts";
import { OutsideError } from "./outside.ts";

export interface DialOptions {
  readonly signal: AbortSignal;
  /** For all addresses together; default 20 s. */
  readonly timeoutMs?: number;
  /** For one address, if there is another; default 5 s. */
  readonly attemptMs?: number;
}

const TIMEOUT_MS = 20_000;
const ATTEMPT_MS = 5_000;
const MAX_ADDRESSES = 8;
/** The far side of a connection that is silent for long may have vanished. */
const KEEP_ALIVE_MS = 60_000;

export interface Dialed {
  readonly socket: Socket;
  /** The one that answered, a uint32. */
  readonly address: number;
}

/**
 * Tries the addresses, uint32, in order; the caller owns the socket.
 *
 * @throws {OutsideError} `failed`: none has answered in time, or the signal was aborted.
 */
export async function dial(addresses: readonly number[], port: number, options: DialOptions): Promise<Dialed> {
  const { timeoutMs = TIMEOUT_MS, attemptMs = ATTEMPT_MS, signal } = options;
  const deadlineMs = performance.now() + timeoutMs;
  const tried = addresses.slice(0, MAX_ADDRESSES);
  let fault = "it has no address";
  for (const [index, address] of tried.entries()) {
    const restMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    const limitMs = index === tried.length - 1 ? restMs : Math.min(restMs, attemptMs);
    const outcome = await attempt(formatIpv4Address(address), port, limitMs, signal);
    if (typeof outcome !== "string") return { socket: outcome, address };
    fault = outcome;
    if (signal.aborted || performance.now() >= deadlineMs) break;
  }
  throw new OutsideError("failed", fault);
}

/** The socket, or why there is none. */
function attempt(host: string, port: number, limitMs: number, signal: AbortSignal): Promise<Socket | string> {
  if (signal.aborted) return Promise.resolve("it is not wanted any more");
  const { promise, resolve } = Promise.withResolvers<Socket | string>();
  const socket = connect({
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  const give = (outcome: Socket | string) => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    if (typeof outcome === "string") socket.destroy();
    resolve(outcome);
  };
  const abort = () => give("it is not wanted any more");
  const timer = setTimeout(() => give("nobody answered in time"), limitMs);
  signal.addEventListener("abort", abort, { once: true });
  // Stays: a socket without a listener for errors ends the worker.
  socket.on("error", (error) => give(sentenceOf(error)));
  socket.once("connect", () => give(socket));
  return promise;
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "it broke the connection off",
  EHOSTUNREACH: "no route leads there",
  ENETUNREACH: "no route leads there",
  ETIMEDOUT: "nobody answered in time",
};

function sentenceOf(error: unknown): string {
  const code = codeOf(error) ?? "error";
  return SENTENCES[code] ?? `the connection failed: ${code}`;
}
