/**
 * Two workers of one fleet on loopback, in this process: `asked`, to which clients come, and `other`, which has the run 0
 * of the task "away". Each answers in its own way; who asks is who `X-User` says, until a statement says it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Principal } from "../../../src/access/principal.ts";
import { Scope } from "../../../src/base/scope.ts";
import { SoleDirectory } from "../../../src/queue/sole-worker.ts";
import type { TaskDetails } from "../../../src/queue/task-queue.ts";
import type { WorkerAnnouncement } from "../../../src/queue/worker-directory.ts";
import { createApp } from "../../../src/web/api/app.ts";
import type { Route } from "../../../src/web/api/route.ts";
import type { SocketRoute } from "../../../src/web/api/socket-route.ts";
import { SocketServer } from "../../../src/web/api/socket-server.ts";
import type { PassOptions } from "../../../src/web/fleet/fleet-proxy.ts";
import { FleetVerifier } from "../../../src/web/fleet/fleet-statement.ts";
import { Fleet } from "../../../src/web/fleet/pass-on.ts";
import { HttpService } from "../../../src/web/server/service.ts";

export interface WorkerOptions {
  routes?: readonly Route[];
  sockets?: readonly SocketRoute[];
}

export interface FleetServicesOptions {
  /** Of a worker by its id. */
  worker: (workerId: string) => WorkerOptions;
  limits?: Omit<PassOptions, "body">;
}

const ANNOUNCED = { queue: "default", version: "1", startedAt: new Date(), status: {} };

export class FleetServices implements AsyncDisposable {
  readonly directory = new SoleDirectory();
  readonly #scope: Scope;
  readonly #options: FleetServicesOptions;
  readonly #services = new Map<string, HttpService>();
  readonly #urls = new Map<string, string>();

  private constructor(options: FleetServicesOptions, scope: Scope) {
    this.#options = options;
    this.#scope = scope;
  }

  static async start(options: FleetServicesOptions): Promise<FleetServices> {
    await using scope = new Scope();
    const fleet = new FleetServices(options, scope.move());
    for (const workerId of ["asked", "other"]) await fleet.#startWorker(workerId);
    return fleet;
  }

  get port(): number {
    return this.portOf("asked");
  }

  portOf(workerId: string): number {
    return this.#services.get(workerId)?.port ?? 0;
  }

  /** Where others look for it from now on. */
  moveTo(workerId: string, url: string): void {
    this.#urls.set(workerId, url);
  }

  async stop(workerId: string): Promise<void> {
    await this.#services.get(workerId)?.[Symbol.asyncDispose]();
  }

  async #startWorker(workerId: string): Promise<void> {
    const { routes = [], sockets = [] } = this.#options.worker(workerId);
    const { directory } = this;
    const tasks = { show: async () => TASK, artifacts: async () => [] };
    const fleet = new Fleet({ self: workerId, tasks, workers: directory, limits: this.#options.limits ?? {} });
    const verifier = new FleetVerifier({ workerId, key: () => directory.fleetKey() });
    const authenticate = async (request: IncomingMessage) => {
      const passed = await verifier.verifyFleetRequest(request);
      return passed === undefined ? userOf(request) : passed.principal;
    };
    const app = createApp({ routes, authenticate, passOn: (route, call) => fleet.passOn(route, call) });
    const passOn = (route: SocketRoute, ...rest: [Parameters<Fleet["passSocketOn"]>[1], Connection]) =>
      fleet.passSocketOn(route, ...rest);
    const server = this.#scope.use(new SocketServer({ routes: sockets, authenticate, passOn }));
    const handler = (request: IncomingMessage, response: ServerResponse) => void app(request, response);
    const upgrade = (...upgraded: [IncomingMessage, Duplex, Buffer]) => server.upgrade(...upgraded);
    const service = this.#scope.use(await HttpService.listen({ host: "127.0.0.1", port: 0 }, handler, upgrade));
    this.#services.set(workerId, service);
    this.#urls.set(workerId, `http://127.0.0.1:${service.port}`);
    const describe = (): WorkerAnnouncement => ({ ...ANNOUNCED, url: this.#urls.get(workerId) ?? "" });
    this.#scope.use(directory.announce(workerId, describe));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

type Connection = { socket: Duplex; head: Buffer };

const NOW = new Date();

const TASK: TaskDetails = {
  ...{ taskId: "away", queue: "default", state: "running", priority: "medium", name: undefined },
  ...{ created: NOW, deadline: NOW, expires: NOW, retriesLeft: 0, dependencies: [], waitsFor: [] },
  definition: { payload: {} },
  runs: [{ runId: 0, state: "running", reasonCreated: "scheduled", workerId: "other", scheduled: NOW }],
};

function userOf({ headers }: IncomingMessage): Principal | undefined {
  const name = headers["x-user"];
  return typeof name === "string" ? { name, role: "operator", via: "token" } : undefined;
}
