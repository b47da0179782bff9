/** What is kept of requests: those that changed something, and those that somebody may not send. */
import type { IncomingMessage } from "node:http";
import type { Audit, AuditEvent } from "../../access/audit.ts";
import { RateLimit } from "../../access/rate-limit.ts";
import { isAudited } from "../api/route.ts";
import type { RouteParts } from "../api/route-router.ts";
import type { SocketServerOptions } from "../api/socket-server.ts";
import { splitUrl } from "../runs/log-request.ts";
import type { Authenticator } from "./authenticate.ts";

export interface AuditedOptions {
  audit: Audit;
  authenticator: Pick<Authenticator, "principalOf" | "addressOf">;
}

/** For {@link SocketServerOptions}: websockets that somebody may not open. */
export function auditRefusedSockets({ audit, authenticator }: AuditedOptions): NonNullable<RefusedSocket> {
  const refusals = new RateLimit(REFUSALS);
  return (route, { principal, request }, status) => {
    if (status !== 403 || principal === undefined || !refusals.tryTake(principal.name)) return;
    const address = authenticator.addressOf(request);
    // What is in the query may let somebody in.
    const target = splitUrl(request.url ?? "").path.replace(ADDRESS, "");
    audit.record({
      ...{ principal, action: route.operation, target, details: { status }, outcome: "refused" },
      ...(address === undefined ? {} : { address }),
    });
  };
}

/** Who is refused may ask again for long, and shall not wash away what others did. */
const REFUSALS = { perSecond: 1, burst: 100 };

type RefusedSocket = SocketServerOptions["refused"];

const ADDRESS = /^\/api\/v1\//;

const notes = new WeakMap<IncomingMessage, Pick<AuditEvent, "target" | "details">>();

/** For who answers a request: what is to be kept of it beside the operation, where the path does not tell. */
export function noteForAudit(request: IncomingMessage, note: Pick<AuditEvent, "target" | "details">): void {
  notes.set(request, note);
}

export function auditRequests({ audit, authenticator }: AuditedOptions): NonNullable<RouteParts["observe"]> {
  const refusals = new RateLimit(REFUSALS);
  return (route, call, { status }, request) => {
    const principal =
      authenticator.principalOf(request) ?? (call?.principal.via === "worker" ? call.principal : undefined);
    const isForbidden = status === 403 && principal !== undefined;
    if (!isAudited(route) && !isForbidden) return;
    // Nobody in particular, as any scanner is.
    if (principal === undefined) return;
    if (isForbidden && !refusals.tryTake(principal.name)) return;
    const address = authenticator.addressOf(request);
    const { target = request.path.replace(ADDRESS, ""), details = {} } = notes.get(request) ?? {};
    audit.record({
      ...{ principal, action: route.operation, target, details: { ...details, status } },
      outcome: status < 400 ? "ok" : status < 500 ? "refused" : "failed",
      ...(address === undefined ? {} : { address }),
    });
  };
}
