/**
 * The machine of an interactive task for programs made for taskcluster-worker: who has its secret, which is in the
 * artifact `private/interactive/sockets.json`, is let in.
 *
 * The secret is in the path, since those programs write the query anew. It is all that is asked for, so pages of others
 * may use it, too: they have been given it.
 */
import type { Principal } from "../../access/principal.ts";
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import { SHARED_PATH } from "../../feature/interactive/sockets-file.ts";
import { SHELL_MESSAGE_BYTES } from "../../guest/shell-protocol.ts";
import { ApiError } from "../api/api-error.ts";
import { text } from "../api/parameters.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { defineSocketRoute, type SocketRoute } from "../api/socket-route.ts";
import { DISPLAY_PROTOCOLS, MAX_DISPLAY_MESSAGE_BYTES, requireDisplay, serveDisplay } from "./display-socket.ts";
import type { AllowedUse } from "./machine-access.ts";
import { nameOfMachine } from "./machine-lookup.ts";
import { listDisplays } from "./machine-routes.ts";
import type { ScreenCamera } from "./screen-camera.ts";
import type { SessionAudit } from "./session-audit.ts";
import { SHELL_QUERY, serveShell } from "./shell-socket.ts";

export interface SharedMachineOptions extends SessionAudit {
  findBySecret: (secret: string) => LiveMachine | undefined;
  camera: ScreenCamera;
}

/** Who has the secret; more is not known of him. */
const BEARER: Principal = { name: "sockets.json", role: "viewer", via: "ticket" };

export function sharedMachineRoutes(options: SharedMachineOptions): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: `${SHARED_PATH}/{secret}/displays`,
      operation: "listSharedDisplays",
      summary: "The displays of the machine of an interactive task",
      tag: "machines",
      permission: undefined,
      answers: { 200: { description: "One, or none.", schema: "displays" } },
      async handle({ params, response }) {
        const { machine } = admit(options, params.secret, "display");
        response.set({ "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin" });
        return await listDisplays(machine, options.camera);
      },
    }),
  ];
}

export function sharedMachineSockets(options: SharedMachineOptions): SocketRoute[] {
  return [
    defineSocketRoute({
      path: `${SHARED_PATH}/{secret}/display`,
      operation: "openSharedDisplay",
      summary: "The display of the machine of an interactive task, as taskcluster-worker has it",
      permission: undefined,
      isForAnyPage: true,
      query: { display: text("Name of the display; there is but one.") },
      maxMessageBytes: MAX_DISPLAY_MESSAGE_BYTES,
      protocols: DISPLAY_PROTOCOLS,
      async open({ params, request }) {
        const allowed = admit(options, params["secret"], "display");
        requireDisplay(allowed.machine);
        return (client) => void serveDisplay(client, allowed, request, options);
      },
    }),
    defineSocketRoute({
      path: `${SHARED_PATH}/{secret}/shell`,
      operation: "openSharedShell",
      summary: "A shell in the machine of an interactive task, as taskcluster-worker has it",
      permission: undefined,
      isForAnyPage: true,
      query: SHELL_QUERY,
      maxMessageBytes: SHELL_MESSAGE_BYTES,
      async open({ params, query, request }) {
        const allowed = admit(options, params["secret"], "shell");
        return (client) => void serveShell(client, allowed, { asked: query, request }, options);
      },
    }),
  ];
}

/** @throws {ApiError} `no-machine` */
function admit({ findBySecret }: SharedMachineOptions, secret = "", use: "display" | "shell"): AllowedUse {
  const machine = findBySecret(secret);
  if (machine?.interactive?.[use] === true) {
    return { machine, target: nameOfMachine(machine), principal: BEARER, mode: "control" };
  }
  throw new ApiError(404, "no-machine", "there is no machine here: its task is over, or does not offer this");
}
