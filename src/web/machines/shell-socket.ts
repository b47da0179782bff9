/**
 * Shells in a machine over a websocket, with the messages of shell-protocol.ts; so taskcluster-worker's clients can.
 *
 *   accepted ──▶ the guest has opened it ──exit──▶ close 1000
 *                    └── the machine ends: 1000, the client breaks the protocol: 1008, the guest does: 1011
 */
import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import { messageOf } from "../../base/errors.ts";
import type { ShellOptions } from "../../guest/guest-shell.ts";
import { SHELL_MESSAGE_BYTES } from "../../guest/shell-protocol.ts";
import { closeSocket } from "../api/close-socket.ts";
import { flag, texts } from "../api/parameters.ts";
import { defineSocketRoute, type SocketRoute } from "../api/socket-route.ts";
import { TICKET } from "./display-socket.ts";
import type { AllowedUse, MachineAccess } from "./machine-access.ts";
import { beginSession, type SessionAudit } from "./session-audit.ts";
import { type ShellPeer, ShellSession } from "./shell-session.ts";

export interface ShellSocketOptions extends SessionAudit {
  access: MachineAccess;
}

/** A machine, as far as its shells go. */
export interface ShellMachine {
  readonly ended: Promise<void>;
  openShell(options: ShellOptions): Promise<ShellPeer>;
}

/** As taskcluster-worker has it. */
export const SHELL_QUERY = {
  tty: flag("Whether it gets a terminal."),
  command: texts("Program and arguments, one each time; the shell of the user if it is left out."),
};

export function shellSocketRoute(options: ShellSocketOptions): SocketRoute {
  return defineSocketRoute({
    path: "/api/v1/tasks/{task}/runs/{run}/shell",
    operation: "openShell",
    summary: "A shell in the machine",
    permission: undefined,
    answeredBy: "run",
    query: { ...SHELL_QUERY, ticket: TICKET },
    maxMessageBytes: SHELL_MESSAGE_BYTES,
    async open({ params, principal, query, request }) {
      const { ticket, ...asked } = query;
      const allowed = await options.access.admit({ params, principal, kind: "shell", mode: "control", ticket });
      return (client) => void serveShell(client, allowed, { asked, request }, options);
    },
  });
}

/** Never rejects. */
export async function serveShell(
  client: WebSocket,
  { machine, target, principal }: AllowedUse<ShellMachine>,
  { asked, request }: { asked: Pick<ShellOptions, "tty" | "command">; request: IncomingMessage },
  audit: SessionAudit,
): Promise<void> {
  const gone = new AbortController();
  client.once("close", () => gone.abort(new Error("the client is gone")));
  const session = new ShellSession(client);
  let shell: ShellPeer | undefined;
  let hasEnded = false;
  void machine.ended.then(() => {
    hasEnded = true;
  });
  try {
    shell = await machine.openShell({ ...asked, signal: gone.signal });
    const end = beginSession(audit, { kind: "shell", mode: "control", principal, target, request });
    await session.join(shell).finally(end);
    closeSocket(client, 1_000, "the shell has ended");
  } catch (error) {
    if (hasEnded) closeSocket(client, 1_000, "the machine has ended");
    else closeSocket(client, 1_011, messageOf(error));
  } finally {
    await shell?.[Symbol.asyncDispose]();
  }
}
