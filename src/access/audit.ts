/** What is remembered of who did what: a port. */
import type { Principal } from "./principal.ts";

/** Never holds a token, a password or a ticket. */
export interface AuditEvent {
  /** Undefined: nobody knows who. */
  readonly principal: Principal | undefined;
  /** What was done, such as `login`, `token.create`, `task.cancel`, `display.begin`. */
  readonly action: string;
  /** What it was done to, such as `task/T`, `worker/W`, `image/REF`. */
  readonly target?: string;
  /** Of the network. */
  readonly address?: string;
  readonly outcome: "ok" | "refused" | "failed";
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

export interface AuditEntry {
  /** Unique; entries before it are asked for by it. */
  readonly id: string;
  /** ISO 8601. */
  readonly time: string;
  readonly principal: string;
  readonly via: Principal["via"] | "none";
  readonly action: string;
  readonly target?: string;
  readonly address?: string;
  readonly outcome: AuditEvent["outcome"];
  readonly details?: AuditEvent["details"];
}

export interface Audit {
  /** Never throws and never waits: an event that cannot be written is told to the log of the worker. */
  record(event: AuditEvent): void;
}

export interface AuditReader {
  /**
   * The newest first.
   *
   * @param options.before Id of an entry: only those that were written before it.
   */
  read(options: { limit: number; before?: string }): Promise<AuditEntry[]>;
}
