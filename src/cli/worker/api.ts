/** What a worker answers over HTTP: the parts of it, connected. */
import type { IncomingMessage, RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { HOST, LOCAL } from "../../access/principal.ts";
import type { Watchdog } from "../../base/watchdog.ts";
import type { Config } from "../../config/config.ts";
import { parsePayload, payloadRules } from "../../feature/payload.ts";
import { createApp } from "../../web/app.ts";
import { healthRoutes } from "../../web/health-routes.ts";
import { logRoutes } from "../../web/log-routes.ts";
import { logSocketRoute } from "../../web/log-socket.ts";
import { networkRoutes } from "../../web/network-routes.ts";
import { queueRoutes } from "../../web/queue-routes.ts";
import type { Route } from "../../web/route.ts";
import { SocketServer } from "../../web/socket-server.ts";
import { type WorkerPort, workerRoutes } from "../../web/worker-routes.ts";
import type { TaskLogs } from "../../worker/task-logs.ts";
import type { TaskMachines } from "../../worker/task-machines.ts";
import type { TaskNetworks } from "../../worker/task-networks.ts";
import type { Worker } from "../../worker/worker.ts";
import type { FleetMember } from "./fleet-member.ts";
import type { OpenQueue } from "./open-queue.ts";

export interface ApiParts {
  config: Config;
  queue: OpenQueue;
  watchdog: Watchdog;
  worker: Worker;
  logs: TaskLogs;
  reports: TaskNetworks;
  machines: TaskMachines;
  fleet: FleetMember;
}

/** *Owns* the websockets. */
export interface Api extends AsyncDisposable {
  readonly handler: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** @param door Where its clients come in: on the worker's own socket, or on an address of the network. */
export function createApi(parts: ApiParts, door: "socket" | "host"): Api {
  const principal = door === "socket" ? LOCAL : HOST;
  const { passOn, passSocketOn } = parts.fleet;
  const authenticate = parts.fleet.authenticate(async () => principal);
  const sockets = new SocketServer({
    ...{ routes: [logSocketRoute((key) => parts.logs.find(key))], authenticate, passOn: passSocketOn },
  });
  return {
    handler: createApp({ routes: routesOf(parts), authenticate, passOn }),
    upgrade: (request, socket, head) => sockets.upgrade(request, socket, head),
    [Symbol.asyncDispose]: () => sockets[Symbol.asyncDispose](),
  };
}

export function routesOf({ config, logs, reports, queue, watchdog, worker, fleet }: ApiParts): Route[] {
  const { timeoutMs } = config.worker.shutdown;
  const health = healthRoutes({
    health: () => watchdog.health().stuck.map(({ name, sinceMs }) => `${name}: no progress for ${sinceMs} ms`),
    unready: () => {
      const { state, why } = worker.status;
      return state === "claiming" || state === "full" ? undefined : `${state}: ${why ?? "it takes no tasks"}`;
    },
  });
  const port: WorkerPort = {
    get status() {
      return worker.status;
    },
    pause: (why) => worker.pause(why),
    resume: () => worker.resume(),
    drain: (why) => worker.drain(why, timeoutMs),
    stop: (why) => worker.stop(why),
  };
  return [
    ...health,
    ...workerRoutes(port),
    ...fleet.routes(port),
    ...logRoutes((key) => logs.find(key)),
    ...networkRoutes((key) => reports.find(key)),
    ...taskRoutes(config, queue),
  ];
}

function taskRoutes(config: Config, { tasks }: OpenQueue): Route[] {
  if (tasks === undefined) return [];
  const options = { subject: "The payload", blame: "task", ...payloadRules(config) } as const;
  return queueRoutes({ queue: tasks, checkPayload: (payload) => void parsePayload(payload, options) });
}
