/**
 * Connections of one machine to its metadata service that ask for a websocket: the answers to actions, and nothing else.
 *
 * Nothing here looks at addresses, as in {@link createMetadataService}.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { TokenBucket } from "../base/token-bucket.ts";
import type { UpgradeListener } from "../http/guarded-server.ts";
import type { GuestSession } from "./guest-session.ts";
import { ServiceError, toServiceError } from "./service-error.ts";

// See guarded-server.ts for why it is not imported.
const { STATUS_CODES } = process.getBuiltinModule("node:http");

const PATH = "/engine/v1/reply";

export function createUpgradeListener(session: GuestSession): UpgradeListener {
  const rate = new TokenBucket(50, 100);
  return (request, socket, head) => {
    try {
      if (!rate.tryTake()) throw new ServiceError("TooManyRequests", "too many requests; wait a second");
      if (!session.isOfThisLife(request.headers)) throw new ServiceError("AnotherLife", "this machine has moved");
      session.noteContact(request.headers["user-agent"]);
      session.actions.upgrade(idOf(request), { request, socket, head });
    } catch (error) {
      refuse(socket, toServiceError(error));
    }
  };
}

function idOf({ url = "" }: IncomingMessage): string {
  const [path, query] = url.split("?", 2);
  if (path !== PATH) throw new ServiceError("NoSuchEndPoint", "there is no such end-point for a websocket");
  const [id, ...others] = new URLSearchParams(query).getAll("id");
  if (id === undefined || others.length > 0) {
    throw new ServiceError("UnknownActionId", "the query string must have one id");
  }
  return id;
}

function refuse(socket: Duplex, { status, code, message }: ServiceError): void {
  const body = JSON.stringify({ code, message });
  // A guest that does not hang up would stay.
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
