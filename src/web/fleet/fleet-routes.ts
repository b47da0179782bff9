/** The fleet: its workers and machines, its queue, and what happens in it. */
import type { ApiMachine, ApiQueue, ApiWorker } from "../../generated/api.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import type { WorkerAnnouncement, WorkerDirectory } from "../../queue/worker-directory.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { type WorkerPort, workerRoutes } from "../worker/worker-routes.ts";
import type { EventStreams } from "./event-stream.ts";
import { machinesOf, readStatus } from "./fleet-status.ts";

export interface FleetRoutesOptions {
  readonly workerId: string;
  /** As others have it from the directory, but of now. */
  readonly describeSelf: () => WorkerAnnouncement;
  readonly workers: Pick<WorkerDirectory, "list">;
  /** Undefined where others have the queue. */
  readonly tasks: Pick<TaskQueue, "summary"> | undefined;
  /** Kind of queue, and where it is. */
  readonly queueDescription: string;
  readonly events: EventStreams;
  /** This worker, for what is asked of it by its id. */
  readonly worker: WorkerPort;
}

export function fleetRoutes(options: FleetRoutesOptions): Route[] {
  return [...observationRoutes(options), ...workerRoutes(options.worker).flatMap(byId)];
}

function observationRoutes(options: FleetRoutesOptions): Route[] {
  const { tasks, queueDescription: description, events } = options;
  return [
    defineRoute()({
      method: "GET",
      path: "/api/v1/workers",
      operation: "listWorkers",
      summary: "The workers of the fleet",
      tag: "workers",
      permission: "read",
      answers: { 200: { description: "By their ids; those that have been silent for long too.", schema: "workers" } },
      handle: () => listWorkers(options),
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/machines",
      operation: "listMachines",
      summary: "The machines of the fleet",
      tag: "machines",
      permission: "read",
      answers: { 200: { description: "The oldest first.", schema: "machines" } },
      handle: async (): Promise<ApiMachine[]> => machinesOf((await listWorkers(options)).filter(({ alive }) => alive)),
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/queue",
      operation: "getQueue",
      summary: "What waits and runs",
      tag: "queue",
      permission: "read",
      answers: { 200: { description: "Counts of tasks.", schema: "queue" } },
      async handle(): Promise<ApiQueue> {
        const { queues, oldestPending } = (await tasks?.summary()) ?? { queues: [] };
        const since = oldestPending === undefined ? {} : { oldestPending: oldestPending.toISOString() };
        return { description, queues: [...queues], ...since };
      },
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/events",
      operation: "followEvents",
      summary: "What happens in the fleet, as it happens",
      tag: "observation",
      permission: "read",
      answers: {
        200: {
          description:
            "Server-sent events: hello, task, phase, worker, image, machine; gap, after which events may be missing. Who connects again asks for everything anew.",
          contentType: "text/event-stream",
        },
      },
      handle: ({ response, principal }) => events.add(response, { who: principal.name }),
    }),
  ];
}

async function listWorkers({ workers, workerId, describeSelf }: FleetRoutesOptions): Promise<ApiWorker[]> {
  const others = (await workers.list()).filter((entry) => entry.workerId !== workerId);
  const self = { ...describeSelf(), workerId, seenAt: new Date(), isAlive: true };
  return [...others, self]
    .map((entry): ApiWorker => {
      const { url, queue, version, seenAt, isAlive } = entry;
      return {
        workerId: entry.workerId,
        self: entry.workerId === workerId,
        alive: isAlive,
        ...(url === undefined ? {} : { url }),
        ...{ queue, version, seenAt: seenAt.toISOString(), status: readStatus(entry.status, entry) },
      };
    })
    .sort((a, b) => (a.workerId < b.workerId ? -1 : 1));
}

/** What can be asked of this worker can be of each of the fleet; its status is in the list of all. */
function byId(route: Route): Route[] {
  if (route.method !== "POST") return [];
  const operation = route.operation.replace("ThisWorker", "Worker");
  const path = route.path.replace("/api/v1/worker/", "/api/v1/workers/{worker}/");
  return [{ ...route, path, operation, answeredBy: "worker" }];
}
