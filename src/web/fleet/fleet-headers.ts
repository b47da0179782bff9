/** Headers of requests that are passed on to another worker, and of its answers. Pure. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** Of a request that another worker passes on: its statement of who asks. */
export const FLEET_HEADER = "x-boxcar-fleet";

/** About one connection only; and what `Connection` names beside. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"],
  ...["transfer-encoding", "upgrade"],
]);

/**
 * What is between the client and the worker it has asked: its secrets, where the page it comes from is, whom it has
 * called. That worker has looked at it, and the next one has the statement instead.
 */
const OF_THE_CLIENT: ReadonlySet<string> = new Set([
  ...["host", "authorization", "cookie", "origin", "referer", "x-boxcar-csrf", "expect", "forwarded"],
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", FLEET_HEADER],
]);

/** What another worker must not say to a client in the name of this one. */
const OF_THE_WORKER: ReadonlySet<string> = new Set(["set-cookie", "strict-transport-security", "alt-svc"]);

export function headersToWorker(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return without(headers, OF_THE_CLIENT);
}

export function headersToClient(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return without(headers, OF_THE_WORKER);
}

function without(headers: IncomingHttpHeaders, refused: ReadonlySet<string>): OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
  const kept = Object.entries(headers).filter(
    ([name]) => !HOP_BY_HOP.has(name) && !refused.has(name) && !named.has(name),
  );
  return Object.fromEntries(kept);
}
