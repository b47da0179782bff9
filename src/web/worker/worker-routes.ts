/** The worker itself: what it does, and what an operator wants of it. */
import type { Permission } from "../../access/role.ts";
import type { ApiReasonRequest } from "../../generated/api.ts";
import { defineRoute, type Route } from "../api/route.ts";

/** What is needed of a worker. */
export interface WorkerPort {
  readonly status: object;
  pause(why: string): Promise<void>;
  resume(): void;
  /** Finishes what runs, and ends. */
  drain(why: string): void;
  /** Ends what runs, and itself. */
  stop(why: string): void;
}

interface Verb {
  readonly name: "pause" | "resume" | "drain" | "stop";
  readonly summary: string;
  readonly permission: Permission;
  readonly status: 200 | 202;
  readonly act: (why: string | undefined) => void | Promise<void>;
}

export function workerRoutes(worker: WorkerPort): Route[] {
  const verbs: readonly Verb[] = [
    {
      ...{ name: "pause", summary: "Claims nothing more; what runs goes on", permission: "operate", status: 200 },
      act: (why = "an operator paused it") => worker.pause(why),
    },
    {
      ...{ name: "resume", summary: "Claims tasks again", permission: "operate", status: 200 },
      act: () => worker.resume(),
    },
    {
      ...{ name: "drain", summary: "Finishes what runs, and ends", permission: "operate", status: 202 },
      act: (why = "an operator drains it") => worker.drain(why),
    },
    {
      ...{ name: "stop", summary: "Ends what runs, which others run again, and ends" },
      ...{ permission: "administer", status: 202 },
      act: (why = "an operator stopped it") => worker.stop(why),
    },
  ];
  return [statusRoute(worker), ...verbs.map((verb) => verbRoute(worker, verb))];
}

function statusRoute(worker: WorkerPort): Route {
  return defineRoute()({
    method: "GET",
    path: "/api/v1/worker",
    operation: "getThisWorker",
    summary: "What the worker that answers does",
    tag: "workers",
    permission: "read",
    answers: { 200: { description: "Its status.", schema: "workerStatus" } },
    handle: () => worker.status,
  });
}

function verbRoute(worker: WorkerPort, { name, summary, permission, status, act }: Verb): Route {
  return defineRoute<ApiReasonRequest>()({
    method: "POST",
    path: `/api/v1/worker/${name}`,
    operation: `${name}ThisWorker`,
    summary,
    tag: "workers",
    permission,
    body: { api: "reasonRequest" },
    answers: { [status]: { description: "Its status then.", schema: "workerStatus" } },
    async handle({ body }) {
      await act(body.reason);
      return worker.status;
    },
  });
}
