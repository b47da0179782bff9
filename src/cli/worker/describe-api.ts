/** What a worker of a configuration would answer over HTTP, without one. */
import { silentLogger } from "../../base/log.ts";
import type { Config } from "../../config/config.ts";
import { buildOpenApi } from "../../web/api/openapi.ts";
import type { Route } from "../../web/api/route.ts";
import type { SocketRoute } from "../../web/api/socket-route.ts";
import { fleetRoutes } from "../../web/fleet/fleet-routes.ts";
import { readVersion } from "../version.ts";
import { AccessApi } from "./access-api.ts";
import { type ApiParts, routesOf, socketRoutesOf } from "./api.ts";
import { createMachineApi } from "./machine-api.ts";
import { createVmApi } from "./vm-api.ts";

/** The OpenAPI document. */
export function describeApi(config: Config): object {
  return buildOpenApi({ ...describedRoutes(config), version: readVersion() });
}

/** To look at, not to call. */
export function describedRoutes(config: Config): { routes: Route[]; sockets: SocketRoute[] } {
  const parts = partsOf(config);
  return { routes: routesOf(parts, parts.access.door("host")), sockets: socketRoutesOf(parts) };
}

function partsOf(config: Config): ApiParts {
  const nobody = () => Promise.reject(new Error("this API is only described"));
  const routes: ApiParts["fleet"]["routes"] = (worker) =>
    fleetRoutes({
      ...{ worker, workerId: "", queueDescription: "", tasks: undefined },
      ...{ workers: absent(), events: absent(), describeSelf: absent() },
    });
  return {
    ...{ config, worker: absent(), watchdog: absent(), runs: absent() },
    machineApi: createMachineApi({ machines: absent(), tasks: absent(), audit: absent() }),
    vmApi: createVmApi({
      ...{ hypervisor: nobody, workerId: "", tasks: undefined, events: absent(), audit: absent() },
      resumeRoles: [],
    }),
    ...{ jobs: absent(), metrics: absent(), logger: silentLogger },
    access: AccessApi.described(config),
    queue: {
      ...{
        driver: absent(),
        tasks: absent(),
        access: undefined,
        workers: absent(),
        events: absent(),
        webhooks: absent(),
        origin: absent(),
      },
      [Symbol.asyncDispose]: async () => {},
    },
    fleet: { authenticate: () => nobody, passOn: nobody, passSocketOn: nobody, routes },
    hypervisor: nobody,
    host: {
      ...{
        config,
        images: absent(),
        snapshots: absent(),
        networks: absent(),
        runs: absent(),
        chooseAccelerator: nobody,
      },
    },
  };
}

/** What routes would ask, and must not when they are only described. */
function absent<T extends object>(): T {
  const refuse = (): never => {
    throw new Error("a route of an API that is only described was called");
  };
  return new Proxy(refuse, { get: refuse, set: refuse, apply: refuse }) as unknown as T;
}
