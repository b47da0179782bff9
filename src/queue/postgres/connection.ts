/** How to reach a database, and how long to wait for it. */
import type { ClientConfig } from "pg";

export interface ConnectionSource {
  /** On one line, for people; without secrets. */
  readonly description: string;
  readonly config: ClientConfig;
  /** Most connections at once beside the one that listens; default 8. */
  readonly maxConnections?: number;
  /** Called before each connection is made; quick where there is nothing to do. @throws {QueueError} */
  ready?(): Promise<void>;
  /** Called when the last connection is closed. */
  release?(): Promise<void>;
}

/** So that nothing waits for ever: not for a host that is gone, nor for a lock of a process that is stopped. */
export const TIMEOUTS = {
  connectionTimeoutMillis: 5_000,
  /** The server gives up on a statement. */
  statement_timeout: 10_000,
  lock_timeout: 5_000,
  /** The server gives up on a client that is stopped in the middle of a transaction, and its locks are free again. */
  idle_in_transaction_session_timeout: 20_000,
  /** The client gives up on a server that is silent. */
  query_timeout: 15_000,
} as const satisfies ClientConfig;

export const APPLICATION_NAME = "boxcar";

/** A PostgreSQL server by its URL. */
export function connectionOfUrl(url: string): ConnectionSource {
  return { description: `postgres ${withoutSecrets(url)}`, config: { connectionString: url } };
}

/** `postgres://user:secret@host/database?sslmode=require` → `host/database`. */
export function withoutSecrets(url: string): string {
  try {
    const { host, pathname, searchParams } = new URL(url);
    return `${host || searchParams.get("host") || "local"}${pathname}`;
  } catch {
    return "by its URL";
  }
}
