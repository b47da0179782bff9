/** Who asks for something. */
import type { Role } from "./role.ts";

export interface Principal {
  /**
   * Of the token, or of the person as the identity provider has it; the latter has an `@`, the former never. Tasks
   * belong to the name that submitted them.
   */
  readonly name: string;
  readonly role: Role;
  /**
   * How it is known who it is: the worker's own socket, being on this host (without access control), a token, a
   * session of a browser, a link that is good once, or another worker of the fleet that vouches for the asker.
   */
  readonly via: "socket" | "host" | "token" | "session" | "ticket" | "worker";
}

/** Who may open the control socket, which lies in a folder that nobody else can enter. */
export const LOCAL: Principal = Object.freeze({ name: "local", role: "admin", via: "socket" });

/** Everybody on this host, where there is no access control. */
export const HOST: Principal = Object.freeze({ name: "host", role: "admin", via: "host" });
