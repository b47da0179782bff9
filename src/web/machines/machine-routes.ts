/** The machine of a run: its screen, links to it, how long it stays. */
import type { Request, Response } from "express";
import type { Tickets } from "../../access/tickets.ts";
import { InvalidInputError } from "../../base/errors.ts";
import { tryParseDuration } from "../../base/units.ts";
import type { LiveMachine } from "../../feature/interactive/live-machine.ts";
import type { ApiDisplays, ApiKeepRequest, ApiLink, ApiLinkRequest } from "../../generated/api.ts";
import { durationIssues } from "../../schema/duration.ts";
import { noteForAudit } from "../access/audited.ts";
import { integer } from "../api/parameters.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { requireDisplay } from "./display-socket.ts";
import type { MachineAccess } from "./machine-access.ts";
import { describeLive, nameOfMachine } from "./machine-lookup.ts";
import { heightOf, type ScreenCamera, widthOf } from "./screen-camera.ts";

export interface MachineRoutesOptions {
  access: MachineAccess;
  tickets: Tickets;
  camera: ScreenCamera;
}

const BASE = "/api/v1/tasks/{task}/runs/{run}";
const MAX_WIDTH = 4_096;

export const SCREEN_QUERY = {
  width: integer("Pixels it may have across; all, if it is left out.", { minimum: 1, maximum: MAX_WIDTH }),
};

export function machineRoutes({ access, tickets, camera }: MachineRoutesOptions): Route[] {
  const run = { tag: "machines", permission: "read", answeredBy: "run" } as const;
  return [
    defineRoute()({
      method: "GET",
      path: `${BASE}/screen`,
      operation: "getScreen",
      summary: "What the screen shows now, or did less than a second ago",
      ...run,
      query: SCREEN_QUERY,
      answers: {
        200: { description: "The picture.", contentType: "image/png" },
        304: { description: "The client has it." },
      },
      async handle({ params, query, request, response }) {
        const { png, etag } = await camera.take(await screenOf(access, params), query.width);
        sendPicture(request, response, png, etag);
      },
    }),
    defineRoute()({
      method: "GET",
      path: `${BASE}/displays`,
      operation: "listDisplays",
      summary: "The displays of the machine",
      ...run,
      answers: { 200: { description: "One, or none.", schema: "displays" } },
      handle: async ({ params }) => await listDisplays(await access.find(params), camera),
    }),
    defineRoute<ApiLinkRequest>()({
      method: "POST",
      path: `${BASE}/links`,
      operation: "makeLink",
      summary: "Makes a link to the display or a shell, good for one use within a minute",
      ...run,
      body: { api: "linkRequest" },
      answers: { 201: { description: "The link.", schema: "link" } },
      async handle({ params, principal, body: { kind, mode: asked = "view" }, request }): Promise<ApiLink> {
        const machine = await access.find(params);
        await access.requireControl(principal, machine, kind);
        if (kind === "display") requireDisplay(machine);
        const mode = kind === "shell" ? "control" : asked;
        const { taskId: task, runId } = machine;
        noteForAudit(request, { target: nameOfMachine(machine), details: { kind, mode } });
        const { ticket, expires } = tickets.issue({ task, run: runId, kind, mode, principal });
        // What follows the mark stays in the browser.
        const fragment = new URLSearchParams({ task, run: String(runId), kind, mode, ticket });
        return { ticket, path: `/link#${fragment}`, expires: expires.toISOString() };
      },
    }),
    defineRoute<ApiKeepRequest>()({
      method: "POST",
      path: `${BASE}/keep`,
      operation: "keepMachine",
      summary: "Keeps the machine of an interactive task for so long from now, within what the worker allows",
      ...run,
      body: { api: "keepRequest" },
      answers: { 200: { description: "The machine.", schema: "live" } },
      async handle({ params, principal, body }) {
        const ms = durationOf(body.for);
        const machine = await access.find(params);
        await access.requireControl(principal, machine, "keep");
        machine.keep(ms);
        return describeLive(machine);
      },
    }),
    defineRoute()({
      method: "POST",
      path: `${BASE}/release`,
      operation: "releaseMachine",
      summary: "Gives the machine of an interactive task back as soon as its command has ended",
      ...run,
      answers: { 200: { description: "The machine.", schema: "live" } },
      async handle({ params, principal }) {
        const machine = await access.find(params);
        await access.requireControl(principal, machine, "keep");
        machine.release();
        return describeLive(machine);
      },
    }),
  ];
}

/** As taskcluster-worker lists them: there is one, or none. */
export async function listDisplays(machine: LiveMachine, camera: ScreenCamera): Promise<ApiDisplays> {
  if (!machine.hasDisplay) return [];
  const { png } = await camera.take(machine, undefined);
  const size = { width: widthOf(png), height: heightOf(png) };
  return [{ display: DISPLAY, description: "The screen of the machine", ...size }];
}

/** Its name. */
const DISPLAY = "screen";

async function screenOf(access: MachineAccess, params: { task: string; run: string }): Promise<LiveMachine> {
  const machine = await access.find(params);
  requireDisplay(machine);
  return machine;
}

export function sendPicture(request: Request, response: Response, png: Buffer, etag: string): void {
  response.set({ ETag: etag, "Cache-Control": "private, no-cache" });
  if (request.fresh) response.status(304).end();
  else response.type("png").send(png);
}

/** @throws {InvalidInputError} */
function durationOf(value: string | number): number {
  const issues = durationIssues("for", value);
  const ms = tryParseDuration(value);
  if (ms === undefined || issues.length > 0) throw new InvalidInputError("The body", issues, "task");
  return ms;
}
