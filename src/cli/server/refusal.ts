/** What to say where a worker does not answer, or not what was asked for. Pure. */
import type { IncomingMessage } from "node:http";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import type { ServerAddress } from "./address.ts";

/** Node's codes for a certificate whose authority it does not know. */
const UNKNOWN_AUTHORITY: ReadonlySet<string | undefined> = new Set([
  ...["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN"],
  ...["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"],
]);

/** Nobody can be spoken to. */
export function unreachable(server: ServerAddress, cause: unknown): WorkerError {
  if ("url" in server) {
    const message = `${server.url.origin} cannot be reached: ${whyNot(server.url, cause)}`;
    return new WorkerError(message, { code: "worker-unreachable", blame: "upstream", cause });
  }
  const isMissing = codeOf(cause) === "ENOENT" || codeOf(cause) === "ECONNREFUSED";
  const message = isMissing
    ? 'no worker runs here with this configuration; "boxcar worker" starts one, --server asks one elsewhere'
    : `the worker cannot be asked: ${messageOf(cause)}`;
  return new WorkerError(message, { code: isMissing ? "no-worker" : "worker-unreachable", blame: "host", cause });
}

function whyNot({ protocol }: URL, cause: unknown): string {
  const code = codeOf(cause);
  // What OpenSSL says is for who debugs it.
  if (code === "EPROTO" && protocol === "https:") return "it does not speak HTTPS; its address may begin with http://";
  if (code === "ECONNRESET" && protocol === "http:") return "it has hung up; its address may begin with https://";
  if (!UNKNOWN_AUTHORITY.has(code)) return messageOf(cause);
  return "nobody known here vouches for its certificate; NODE_EXTRA_CA_CERTS can name a file with that of its authority";
}

/** Something else was answered. @param answer Its body, where that is JSON. */
export function refusal(
  answer: unknown,
  { statusCode = 500, headers }: Pick<IncomingMessage, "statusCode" | "headers">,
  server: ServerAddress,
): WorkerError {
  const { code, message } = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const known = typeof code === "string" && typeof message === "string" ? { code, message } : undefined;
  if (known === undefined) return noWorker(statusCode, headers.location, server);
  return new WorkerError(statusCode === 401 ? whoAsks(known, server) : known.message, {
    code: known.code,
    blame: statusCode >= 500 ? "upstream" : "task",
  });
}

function noWorker(statusCode: number, location: string | undefined, server: ServerAddress): WorkerError {
  const name = "url" in server ? addressText(server.url) : "what listens on the worker's socket";
  const what = location === undefined ? `status ${statusCode}` : `a redirect to ${location.slice(0, 200)}`;
  return new WorkerError(`${name} answers with ${what}, and is no worker of Boxcar`, {
    code: "no-worker-there",
    blame: statusCode >= 500 ? "upstream" : "task",
  });
}

/** Without what it may have of a password. */
function addressText({ origin, pathname }: URL): string {
  return pathname === "/" ? origin : `${origin}${pathname}`;
}

function whoAsks({ code, message }: { code: string; message: string }, server: ServerAddress): string {
  if (!("url" in server)) return message;
  const { origin } = server.url;
  if (code === "unauthenticated") return `${origin} asks for a token; set BOXCAR_TOKEN, or give --token-file`;
  return `${origin} does not take this token: ${message}`;
}
