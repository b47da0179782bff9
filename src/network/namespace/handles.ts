/**
 * What the keeper hands over: how Node passes open sockets on a channel, seen from the worker. All knowledge of that
 * wire form is here and in keeper.c.
 *
 * The line `{"cmd":"NODE_HANDLE","type":TYPE,"msg":MESSAGE}` comes with an open file; Node acknowledges it and emits
 * MESSAGE with what it has made of the file: the bare handle where TYPE is `net.Native` or `dgram.Native`.
 *
 * @see lib/internal/child_process.js of Node
 */
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import { namespaceError } from "./namespace-error.ts";

/** The names are those that the keeper is told. */
export const LISTENERS = ["metadata", "proxy", "outside"] as const;
export type ListenerName = (typeof LISTENERS)[number];

export interface Handles {
  readonly listeners: Readonly<Record<ListenerName, Server>>;
  readonly dhcp: DatagramSocket;
}

export type Message = { readonly service: string } | { readonly ready: true };

/** Untrusted only as far as another version of the keeper may say something else. */
export function tryParseMessage(message: unknown): Message | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  if ("ready" in message && message.ready === true) return { ready: true };
  return "service" in message && typeof message.service === "string" ? { service: message.service } : undefined;
}

/** Servers on what the keeper has opened; they listen when this resolves. */
export async function openHandles(
  handles: ReadonlyMap<string, unknown>,
  onConnection: (name: ListenerName, socket: Socket) => void,
): Promise<Handles> {
  const missing = [...LISTENERS, "dhcp"].filter((name) => typeof handles.get(name) !== "object");
  if (missing.length > 0) throw namespaceError(`the network's helper did not hand over: ${missing.join(", ")}`);
  const open = (name: ListenerName) => listen(handles.get(name) as object, (socket) => onConnection(name, socket));
  const [metadata, proxy, outside] = await Promise.all([open("metadata"), open("proxy"), open("outside")]);
  const dhcp = createSocket("udp4");
  const bound = Promise.withResolvers<void>();
  dhcp.once("error", bound.reject);
  // Its types know of handles in an object only.
  dhcp.bind(handles.get("dhcp") as never, bound.resolve);
  await bound.promise;
  return { listeners: { metadata, proxy, outside }, dhcp };
}

async function listen(handle: object, onConnection: (socket: Socket) => void): Promise<Server> {
  // A client that has said everything may end its side and still wants the answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen(handle, listening.resolve);
  await listening.promise;
  return server;
}
