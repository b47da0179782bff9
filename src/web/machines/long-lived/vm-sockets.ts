/** Displays, shells and consoles of machines that stay, over websockets, as those of tasks are. */
import { SHELL_MESSAGE_BYTES } from "../../../guest/shell-protocol.ts";
import { choice } from "../../api/parameters.ts";
import { defineSocketRoute, type SocketRoute } from "../../api/socket-route.ts";
import { DISPLAY_PROTOCOLS, MAX_DISPLAY_MESSAGE_BYTES, serveDisplay, TICKET } from "../display-socket.ts";
import type { SessionAudit } from "../session-audit.ts";
import { SHELL_QUERY, serveShell } from "../shell-socket.ts";
import { MAX_CONSOLE_MESSAGE_BYTES, serveConsole } from "./console-session.ts";
import type { VmAccess } from "./vm-access.ts";
import { requireVmDisplay } from "./vm-desk.ts";
import { VMS, WORKER_QUERY } from "./vm-routes.ts";

export interface VmSocketsOptions extends SessionAudit {
  readonly access: VmAccess;
}

const COMMON = { permission: undefined, answeredBy: "worker" } as const;
const QUERY = { ...WORKER_QUERY, ticket: TICKET };

const MODE = choice("Whether input is taken; view if it is left out. A ticket has its own.", ["view", "control"]);

export function vmSockets({ access, ...audit }: VmSocketsOptions): SocketRoute[] {
  return [
    defineSocketRoute({
      ...COMMON,
      path: `${VMS}/{vm}/display`,
      operation: "openVmDisplay",
      summary: "The display of a machine that stays: RFB in binary messages",
      query: { ...QUERY, mode: MODE },
      maxMessageBytes: MAX_DISPLAY_MESSAGE_BYTES,
      protocols: DISPLAY_PROTOCOLS,
      async open({ params: { vm: ref = "" }, principal, query: { ticket, mode = "view" }, request }) {
        const allowed = await access.admit({ ref, principal, kind: "display", mode, ticket });
        requireVmDisplay(allowed.view);
        return (client) => void serveDisplay(client, allowed, request, audit);
      },
    }),
    defineSocketRoute({
      ...COMMON,
      path: `${VMS}/{vm}/shell`,
      operation: "openVmShell",
      summary: "A shell in a machine that stays",
      query: { ...SHELL_QUERY, ...QUERY },
      maxMessageBytes: SHELL_MESSAGE_BYTES,
      async open({ params: { vm: ref = "" }, principal, query: { ticket, tty, command }, request }) {
        const allowed = await access.admit({ ref, principal, kind: "shell", mode: "control", ticket });
        return (client) => void serveShell(client, allowed, { asked: { tty, command }, request }, audit);
      },
    }),
    defineSocketRoute({
      ...COMMON,
      path: `${VMS}/{vm}/console`,
      operation: "openVmConsole",
      summary: "The serial console of a machine that stays: what came last, and what comes, as binary messages",
      query: { ...QUERY, mode: MODE },
      maxMessageBytes: MAX_CONSOLE_MESSAGE_BYTES,
      async open({ params: { vm: ref = "" }, principal, query: { ticket, mode = "view" }, request }) {
        const allowed = await access.admit({ ref, principal, kind: "console", mode, ticket });
        return (client) => void serveConsole(client, allowed, request, audit);
      },
    }),
  ];
}
