/**
 * The names a server answers to. A page of a stranger can have its own name lead here, and would be let at everything
 * the browser may; to an address or a name of ours it cannot.
 */
import type { IncomingMessage } from "node:http";
import { ApiError } from "../api/api-error.ts";
import { requireOwnHost } from "./own-host.ts";
import { requireSameOrigin } from "./own-page.ts";

export interface HostNames {
  /** An origin. */
  readonly url: string | undefined;
  /** In lower case; addresses of IPv6 in brackets. */
  readonly names: readonly string[];
}

export interface HostChecks {
  /** @throws {ApiError} `wrong-host` */
  checkHost(request: IncomingMessage): void;
  /** For websockets, which browsers open to any host for any page. @throws {ApiError} `wrong-host`, `wrong-origin` */
  checkPage(request: IncomingMessage): void;
}

export function hostChecks({ url, names }: HostNames): HostChecks {
  const known = new Set(url === undefined ? names : [...names, new URL(url).hostname]);
  const checkHost = (request: IncomingMessage) => {
    const name = nameOf(request.headers.host);
    if (known.has(name) || name === localName(request)) return;
    try {
      requireOwnHost(request);
    } catch {
      const message = `this service does not go by the name ${JSON.stringify(name.slice(0, 100))}; worker.http.names in its configuration has those it does`;
      throw new ApiError(403, "wrong-host", message);
    }
  };
  return {
    checkHost,
    checkPage(request) {
      checkHost(request);
      requireSameOrigin(request);
    },
  };
}

function nameOf(host = ""): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/** The address the client has connected to: it is no name that could lead anywhere else. */
function localName({ socket }: IncomingMessage): string | undefined {
  const address = socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, "");
  return address?.includes(":") ? `[${address}]` : address;
}
