/** What a worker answers over HTTP: the parts of it, connected. */
import type { IncomingMessage, RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { messageOf, WorkerError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Watchdog } from "../../base/watchdog.ts";
import type { Config } from "../../config/config.ts";
import type { HttpMetrics } from "../../telemetry/http-metrics.ts";
import { type AppOptions, createApp } from "../../web/api/app.ts";
import { openApiRoute } from "../../web/api/openapi-route.ts";
import type { Route } from "../../web/api/route.ts";
import { schemaRoutes } from "../../web/api/schema-routes.ts";
import type { SocketRoute } from "../../web/api/socket-route.ts";
import { SocketServer } from "../../web/api/socket-server.ts";
import { dashboardFiles } from "../../web/dashboard-files.ts";
import type { Jobs } from "../../web/images/jobs.ts";
import { logRoutes } from "../../web/runs/log-routes.ts";
import { logSocketRoute } from "../../web/runs/log-socket.ts";
import { networkRoutes } from "../../web/runs/network-routes.ts";
import { healthRoutes } from "../../web/worker/health-routes.ts";
import { type MetricsPort, metricsRoutes } from "../../web/worker/metrics-routes.ts";
import { type WorkerPort, workerRoutes } from "../../web/worker/worker-routes.ts";
import type { HostRuns } from "../../worker/lookup/host-runs.ts";
import type { Worker } from "../../worker/worker.ts";
import { readVersion } from "../version.ts";
import type { AccessApi, AccessDoor } from "./access-api.ts";
import type { FleetMember } from "./fleet-member.ts";
import type { LazyHypervisor } from "./lazy-hypervisor.ts";
import type { MachineApi } from "./machine-api.ts";
import type { OpenQueue } from "./open-queue.ts";
import { type ApiHost, hostImageRoutes, resumeRoutes, taskRoutes } from "./task-api.ts";
import type { VmApi } from "./vm-api.ts";

export interface ApiParts {
  config: Config;
  queue: OpenQueue;
  watchdog: Watchdog;
  worker: Worker;
  runs: HostRuns;
  machineApi: MachineApi;
  vmApi: Pick<VmApi, "routes" | "sockets">;
  fleet: Pick<FleetMember, "authenticate" | "passOn" | "passSocketOn" | "routes">;
  host: ApiHost;
  /** Machines of this host that stay. */
  hypervisor: LazyHypervisor;
  jobs: Jobs;
  metrics: MetricsPort & { readonly http: Pick<HttpMetrics, "answered" | "opened"> };
  access: Pick<AccessApi, "door">;
  logger: Logger;
}

/** *Owns* the websockets. */
export interface Api extends AsyncDisposable {
  readonly handler: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** @param door Where its clients come in: on the worker's own socket, or on an address of the network. */
export function createApi(parts: ApiParts, door: "socket" | "host"): Api {
  const access = parts.access.door(door);
  const { passOn, passSocketOn } = parts.fleet;
  const authenticate = parts.fleet.authenticate(access.authenticate);
  const { http } = parts.metrics;
  const opened = (route: SocketRoute) => http.opened(route);
  const answered: NonNullable<AppOptions["observe"]> = (route, call, answer, request) => {
    http.answered(route, answer);
    access.observe(route, call, answer, request);
  };
  const sockets = new SocketServer({
    routes: socketRoutesOf(parts),
    authenticate,
    passOn: passSocketOn,
    observe: opened,
    refused: access.refused,
    ...access.checks,
  });
  const onFailure = failureLog(parts.logger);
  // Browsers do not come in by the socket.
  const others = door === "host" ? [dashboardFiles()] : [];
  return {
    handler: createApp({
      others,
      ...{ routes: routesOf(parts, access), authenticate, passOn, onFailure, observe: answered },
      ...access.checks,
    }),
    upgrade: (request, socket, head) => sockets.upgrade(request, socket, head),
    async [Symbol.asyncDispose]() {
      access[Symbol.dispose]();
      await sockets[Symbol.asyncDispose]();
    },
  };
}

/** Who asked is told less than what is good to know. */
function failureLog(logger: Logger): NonNullable<AppOptions["onFailure"]> {
  return (error, { method, path }) => {
    const details = error instanceof WorkerError ? {} : { stack: error instanceof Error ? error.stack : undefined };
    logger.log("warn", `${method} ${path} failed: ${messageOf(error)}`, details);
  };
}

export function socketRoutesOf({ runs, machineApi, vmApi }: ApiParts): SocketRoute[] {
  return [logSocketRoute((key) => runs.logs.find(key)), ...machineApi.sockets, ...vmApi.sockets];
}

export function routesOf(parts: ApiParts, access: Pick<AccessDoor, "routes">): Route[] {
  const { config, runs, machineApi, queue, watchdog, worker, fleet, host, jobs } = parts;
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
  const routes = [
    ...health,
    ...access.routes,
    ...workerRoutes(port),
    ...fleet.routes(port),
    ...logRoutes((key) => runs.logs.find(key)),
    ...networkRoutes((key) => runs.networks.find(key)),
    ...machineApi.routes,
    ...parts.vmApi.routes,
    ...taskRoutes(host, queue),
    ...resumeRoutes(host, queue, parts.hypervisor),
    ...hostImageRoutes(host, jobs),
    ...schemaRoutes(),
    ...metricsRoutes(parts.metrics),
  ];
  return [...routes, openApiRoute({ routes, sockets: socketRoutesOf(parts), version: readVersion() })];
}
