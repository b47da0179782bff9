/** What is remembered of who was at a machine, and for how long. */
import type { IncomingMessage } from "node:http";
import type { Audit } from "../../access/audit.ts";
import type { Principal } from "../../access/principal.ts";

export interface SessionAudit {
  audit: Audit;
  /** Of the client, where that is known. */
  addressOf: (request: IncomingMessage) => string | undefined;
}

export interface SessionFacts {
  kind: "display" | "shell" | "console";
  mode: "view" | "control";
  principal: Principal;
  target: string;
  request: IncomingMessage;
}

/** @returns what is called at its end */
export function beginSession(
  { audit, addressOf }: SessionAudit,
  { kind, mode, principal, target, request }: SessionFacts,
): () => void {
  const begin = performance.now();
  const address = addressOf(request);
  const facts = { principal, target, outcome: "ok", ...(address === undefined ? {} : { address }) } as const;
  audit.record({ ...facts, action: `${kind}.begin`, details: { mode } });
  return () => {
    const durationSeconds = Math.round((performance.now() - begin) / 100) / 10;
    audit.record({ ...facts, action: `${kind}.end`, details: { mode, durationSeconds } });
  };
}
