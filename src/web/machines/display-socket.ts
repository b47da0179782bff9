/**
 * The display of a machine over a websocket: RFB in binary messages, as noVNC and taskcluster-worker's clients have it.
 *
 * With `mode=view` nothing a viewer does reaches the machine.
 */
import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import { codeOf, messageOf } from "../../base/errors.ts";
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import { ApiError } from "../api/api-error.ts";
import { closeSocket } from "../api/close-socket.ts";
import { choice, text } from "../api/parameters.ts";
import { defineSocketRoute, type SocketRoute } from "../api/socket-route.ts";
import { joinDisplay } from "./display-session.ts";
import type { AllowedUse, MachineAccess } from "./machine-access.ts";
import { beginSession, type SessionAudit } from "./session-audit.ts";

export interface DisplaySocketOptions extends SessionAudit {
  access: MachineAccess;
}

/** noVNC sends a few KiB at once, and the text of a clipboard in parts. */
export const MAX_DISPLAY_MESSAGE_BYTES = 128 * 1_024;
/** What websockify calls it. */
export const DISPLAY_PROTOCOLS = ["binary"];

export const TICKET = text("Of a link: then nobody has to be logged in.", { maxLength: 100 });

export function displaySocketRoute(options: DisplaySocketOptions): SocketRoute {
  return defineSocketRoute({
    path: "/api/v1/tasks/{task}/runs/{run}/display",
    operation: "openDisplay",
    summary: "The display of the machine: RFB in binary messages",
    permission: undefined,
    answeredBy: "run",
    query: {
      ticket: TICKET,
      mode: choice("Whether input is taken; view if it is left out. A ticket has its own.", ["view", "control"]),
      display: text("Name of the display; there is but one."),
    },
    maxMessageBytes: MAX_DISPLAY_MESSAGE_BYTES,
    protocols: DISPLAY_PROTOCOLS,
    async open({ params, principal, query, request }) {
      const { ticket, mode = "view" } = query;
      const allowed = await options.access.admit({ params, principal, kind: "display", mode, ticket });
      requireDisplay(allowed.machine);
      return (client) => void serveDisplay(client, allowed, request, options);
    },
  });
}

/** @throws {ApiError} `no-display` */
export function requireDisplay({ hasDisplay }: LiveMachine): void {
  if (!hasDisplay) throw new ApiError(404, "no-display", "this machine has no graphics, so no screen");
}

/** Never rejects. */
export async function serveDisplay(
  client: WebSocket,
  { machine, target, mode, principal }: AllowedUse<Pick<LiveMachine, "openDisplay" | "ended" | "viewers">>,
  request: IncomingMessage,
  audit: SessionAudit,
): Promise<void> {
  try {
    const display = await machine.openDisplay();
    const end = beginSession(audit, { kind: "display", mode, principal, target, request });
    await joinDisplay({ client, display, machine, mode });
    end();
  } catch (error) {
    const isBusy = codeOf(error) === "too-many-viewers";
    closeSocket(client, isBusy ? 1_013 : 1_011, messageOf(error));
  }
}
