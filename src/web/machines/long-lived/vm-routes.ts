/** Machines that stay, on the host of a worker: which there are, their life, their screens, links to them. */
import type { ApiLink, ApiVm, ApiVmLinkRequest, ApiVmStopRequest } from "../../../generated/api.ts";
import type { VmView } from "../../../hypervisor/hypervisor.ts";
import { noteForAudit } from "../../access/audited.ts";
import { flag, text } from "../../api/parameters.ts";
import { type Call, defineRoute, type Route } from "../../api/route.ts";
import { SCREEN_QUERY, sendPicture } from "../machine-routes.ts";
import type { ScreenCamera } from "../screen-camera.ts";
import type { VmAccess } from "./vm-access.ts";
import { requireVmDisplay, type VmDesk, type VmPort } from "./vm-desk.ts";
import { nameOfVm, vmDocument } from "./vm-document.ts";

export interface VmRoutesOptions {
  readonly desk: VmDesk;
  readonly access: VmAccess;
  readonly camera: ScreenCamera;
  /** Name of this worker. */
  readonly workerId: string;
  /** Somebody looks at machines: he is to be told of changes for a while. */
  readonly onLook: () => void;
}

export const VMS = "/api/v1/vms";
const VM = `${VMS}/{vm}` as const;

export const WORKER_QUERY = {
  worker: text("Name of the worker on whose host the machine is; default: the one that answers."),
};

const OF_WORKER = { tag: "machines", permission: "read", answeredBy: "worker" } as const;
const CHANGED = { 200: { description: "The machine.", schema: "vm" } } as const;

export function vmRoutes(options: VmRoutesOptions): Route[] {
  return [...lookRoutes(options), ...lifeRoutes(options), linkRoute(options), removeRoute(options)];
}

function lookRoutes({ desk, camera, workerId, onLook }: VmRoutesOptions): Route[] {
  return [
    defineRoute()({
      ...OF_WORKER,
      method: "GET",
      path: VMS,
      operation: "listVms",
      summary: "Machines that stay, as `boxcar vm` makes them",
      query: WORKER_QUERY,
      answers: { 200: { description: "The oldest first.", schema: "vms" } },
      async handle(): Promise<ApiVm[]> {
        onLook();
        return (await desk.list()).map((view) => vmDocument(view, { worker: workerId }));
      },
    }),
    defineRoute()({
      ...OF_WORKER,
      method: "GET",
      path: VM,
      operation: "getVm",
      summary: "A machine that stays",
      query: WORKER_QUERY,
      answers: { 200: { description: "The machine.", schema: "vm" } },
      async handle({ params }): Promise<ApiVm> {
        onLook();
        const view = await desk.find(params.vm);
        return vmDocument(view, { worker: workerId, shell: await desk.hasShell(view) });
      },
    }),
    defineRoute()({
      ...OF_WORKER,
      method: "GET",
      path: `${VM}/screen`,
      operation: "getVmScreen",
      summary: "What the screen of a machine that stays shows now, or did less than a second ago",
      query: { ...WORKER_QUERY, ...SCREEN_QUERY },
      answers: {
        200: { description: "The picture.", contentType: "image/png" },
        304: { description: "The client has it." },
      },
      async handle({ params, query, request, response }) {
        const machine = desk.photographed(await desk.find(params.vm));
        const { png, etag } = await camera.take(machine, query.width);
        sendPicture(request, response, png, etag);
      },
    }),
  ];
}

/** What is done to a machine; resolves when it is so. */
type Change<B> = (hypervisor: VmPort, id: string, asked: { body: B; signal: AbortSignal }) => Promise<unknown>;

function lifeRoutes(options: VmRoutesOptions): Route[] {
  const changing = <B>(change: Change<B>) => changeWith(options, change);
  return [
    defineRoute()({
      ...lifeOf("start", "Starts a machine that stays; one that runs goes on"),
      handle: changing((hypervisor, id, { signal }) => hypervisor.start(id, { signal })),
    }),
    defineRoute<ApiVmStopRequest>()({
      ...lifeOf("stop", "Stops a machine that stays: its guest is asked, then it is told"),
      body: { api: "vmStopRequest" },
      handle: changing<ApiVmStopRequest>((hypervisor, id, { body: { force }, signal }) =>
        hypervisor.stop(id, { force, signal }),
      ),
    }),
    defineRoute()({
      ...lifeOf("pause", "Holds a machine that stays at this instant"),
      handle: changing((hypervisor, id, { signal }) => hypervisor.pause(id, signal)),
    }),
    defineRoute()({
      ...lifeOf("resume", "Lets a machine that was paused go on"),
      handle: changing((hypervisor, id, { signal }) => hypervisor.resume(id, signal)),
    }),
  ];
}

function lifeOf<const V extends string>(verb: V, summary: string) {
  return {
    ...OF_WORKER,
    method: "POST",
    path: `${VM}/${verb}`,
    operation: `${verb}Vm`,
    summary,
    query: WORKER_QUERY,
    answers: CHANGED,
  } as const;
}

interface ChangeCall<B> extends Pick<Call, "principal" | "request" | "signal"> {
  readonly params: { readonly vm: string };
  readonly body: B;
}

function changeWith<B>({ desk, access, workerId }: VmRoutesOptions, change: Change<B>) {
  return async ({ params: { vm }, principal, body, request, signal }: ChangeCall<B>) => {
    const view = await desk.find(vm);
    await access.requireControl(principal, view);
    const { id } = note(request, view);
    await change(await desk.hypervisor(), id, { body, signal });
    return vmDocument(await desk.find(id), { worker: workerId });
  };
}

function removeRoute({ desk, access }: VmRoutesOptions): Route {
  return defineRoute()({
    ...OF_WORKER,
    method: "DELETE",
    path: VM,
    operation: "removeVm",
    summary: "Removes a machine that stays, with its disk",
    query: { ...WORKER_QUERY, force: flag("Also one that runs.") },
    answers: { 204: { description: "It is gone." } },
    async handle({ params, principal, query: { force }, request, signal }) {
      const view = await desk.find(params.vm);
      await access.requireRemove(principal, view);
      const { id } = note(request, view);
      await (await desk.hypervisor()).remove(id, { force, signal });
    },
  });
}

function linkRoute({ desk, access, workerId }: VmRoutesOptions): Route {
  return defineRoute<ApiVmLinkRequest>()({
    ...OF_WORKER,
    method: "POST",
    path: `${VM}/links`,
    operation: "makeVmLink",
    summary:
      "Makes a link to the display, the console or a shell of a machine that stays, good for one use within a minute",
    query: WORKER_QUERY,
    body: { api: "vmLinkRequest" },
    answers: { 201: { description: "The link.", schema: "link" } },
    async handle({ params, principal, body: { kind, mode: asked = "view" }, request }): Promise<ApiLink> {
      const view = await desk.find(params.vm);
      await access.requireControl(principal, view);
      if (kind === "display") requireVmDisplay(view);
      const mode = kind === "shell" ? "control" : asked;
      const { id } = note(request, view, { kind, mode });
      const { ticket, expires } = access.issue(view, { kind, mode, principal });
      // What follows the mark stays in the browser.
      const fragment = new URLSearchParams({ vm: id, worker: workerId, kind, mode, ticket });
      return { ticket, path: `/link#${fragment}`, expires: expires.toISOString() };
    },
  });
}

function note(request: Call["request"], { record }: VmView, details: Record<string, string> = {}): { id: string } {
  const { name } = record;
  noteForAudit(request, { target: nameOfVm(record), details: { ...(name === undefined ? {} : { name }), ...details } });
  return record;
}
