/** What processes on one queue tell each other through NOTIFY. A notice may be lost: all of it can be asked for. */
import type { EndReason } from "../transitions.ts";
import type { Transaction } from "./database.ts";

export const CHANNEL = "boxcar_queue";

export type Notice =
  | { readonly kind: "pending"; readonly queue: string }
  /** Who holds the claim named `job` holds it no more. */
  | {
      readonly kind: "lost";
      readonly job: string;
      readonly reason: EndReason | "claim-expired";
      readonly message: string;
    };

/** PostgreSQL takes less than 8,000 bytes. */
const MAX_MESSAGE_CHARACTERS = 500;

/** In a transaction: told when it is committed. */
export function notify(transaction: Transaction, notice: Notice): void {
  const short =
    notice.kind === "lost" ? { ...notice, message: notice.message.slice(0, MAX_MESSAGE_CHARACTERS) } : notice;
  transaction.send({ text: "SELECT pg_notify($1, $2)", values: [CHANNEL, JSON.stringify(short)] });
}

/** Undefined for what a newer version may say. */
export function tryParseNotice(payload: string): Notice | undefined {
  let data: unknown;
  try {
    data = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (typeof data !== "object" || data === null || !("kind" in data)) return undefined;
  return data.kind === "pending" || data.kind === "lost" ? (data as Notice) : undefined;
}
