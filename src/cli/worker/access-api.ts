/**
 * Who may come in by which door of the worker: by its own socket everybody who can open it, on an address of the network
 * who has logged in, or everybody where the configuration wants no logins.
 *
 * *Borrows* the queue and the audit log.
 */
import { Access } from "../../access/access.ts";
import type { Audit, AuditReader } from "../../access/audit.ts";
import { HOST, LOCAL } from "../../access/principal.ts";
import type { Logger } from "../../base/log.ts";
import type { Config } from "../../config/config.ts";
import { isLoopback } from "../../config/listen-address.ts";
import type { HttpSettings } from "../../config/worker-http.ts";
import { auditRoutes } from "../../web/access/audit-routes.ts";
import { auditRefusedSockets, auditRequests } from "../../web/access/audited.ts";
import { Authenticator } from "../../web/access/authenticate.ts";
import { type HostChecks, hostChecks } from "../../web/access/host-names.ts";
import { oidcRoutes } from "../../web/access/oidc-routes.ts";
import { sessionRoutes } from "../../web/access/session-routes.ts";
import type { AppOptions } from "../../web/api/app.ts";
import type { Route } from "../../web/api/route.ts";
import type { SocketServerOptions } from "../../web/api/socket-server.ts";
import { openAccessFiles } from "../access/open-access.ts";
import { readVersion } from "../version.ts";
import type { OpenQueue } from "./open-queue.ts";

export interface AccessApiOptions {
  config: Config;
  queue: Pick<OpenQueue, "access">;
  audit: Audit & AuditReader;
  workerId: string;
  /** Where people reach the worker, if it is known. */
  url: () => string | undefined;
}

/** *Owns* what looks after connections that stay open. */
export interface AccessDoor extends Disposable {
  readonly authenticate: Authenticator["authenticate"];
  readonly addressOf: (request: Parameters<Authenticator["addressOf"]>[0]) => string | undefined;
  readonly checks: Partial<HostChecks>;
  /** Keeps what is to be kept of requests. */
  readonly observe: NonNullable<AppOptions["observe"]>;
  readonly refused: NonNullable<SocketServerOptions["refused"]>;
  readonly routes: readonly Route[];
}

export class AccessApi {
  readonly #options: AccessApiOptions;
  readonly #access: Access | undefined;

  private constructor(options: AccessApiOptions, access: Access | undefined) {
    this.#options = options;
    this.#access = access;
  }

  /** @throws {@link InvalidInputError} A secret of the configuration cannot be read. */
  static async open(options: AccessApiOptions): Promise<AccessApi> {
    const { config, queue, audit } = options;
    if (!config.access.enabled) return new AccessApi(options, undefined);
    const store = queue.access ?? (await openAccessFiles(config));
    const { url } = config.worker.http;
    return new AccessApi(options, await Access.open({ settings: config.access, store, audit, url }));
  }

  /** To look at, not to call. */
  static described(config: Config): AccessApi {
    const audit = { record() {}, read: async () => [] };
    const nobody = { queue: { access: undefined }, workerId: "", url: () => undefined };
    return new AccessApi({ config, audit, ...nobody }, undefined);
  }

  door(name: "socket" | "host"): AccessDoor {
    const { config, audit, workerId, url } = this.#options;
    const { http } = config.worker;
    const everybody = name === "socket" ? LOCAL : this.#access === undefined ? HOST : undefined;
    const authenticator = new Authenticator({ access: this.#access, everybody, http });
    return {
      authenticate: authenticator.authenticate,
      addressOf: (request) => authenticator.addressOf(request),
      // Without logins it is for programs of this host, whatever its names.
      checks: everybody === undefined ? hostChecks({ ...http, names: namesOf(http) }) : {},
      observe: auditRequests({ audit, authenticator }),
      refused: auditRefusedSockets({ audit, authenticator }),
      routes: [
        ...sessionRoutes({ authenticator, version: readVersion(), workerId, url }),
        ...oidcRoutes(authenticator),
        ...auditRoutes(audit),
      ],
      [Symbol.dispose]: () => authenticator[Symbol.dispose](),
    };
  }
}

/** Other workers call it by the name it listens on, where it has no other. */
function namesOf({ names, listen, fleetUrl }: HttpSettings): readonly string[] {
  const listening = listen === undefined ? [] : [listen.host.toLowerCase()];
  return [...names, ...listening, ...(fleetUrl === undefined ? [] : [new URL(fleetUrl).hostname])];
}

/** What an operator had better know of the way others reach it. */
export function warnOfOpenDoor({ worker: { http } }: Pick<Config, "worker">, logger: Logger): void {
  if (http.listen === undefined || http.tls !== undefined || isLoopback(http.listen.host)) return;
  const message =
    "the HTTP API can be reached by others without TLS: tokens and screens can be read on the way, unless a proxy is in front; see worker.http.tls";
  logger.log("warn", message);
}
