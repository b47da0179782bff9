/** Who answers a request of the API, and how it comes there: what {@link Route.answeredBy} says is done here. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Principal } from "../../access/principal.ts";
import type { TaskQueue } from "../../queue/task-queue.ts";
import type { WorkerDirectory } from "../../queue/worker-directory.ts";
import { ApiError } from "../api/api-error.ts";
import type { Call, Route } from "../api/route.ts";
import type { SocketCall, SocketRoute } from "../api/socket-route.ts";
import { runOf } from "../runs/log-request.ts";
import { FLEET_HEADER } from "./fleet-headers.ts";
import { type PassOptions, type PassTarget, passRequest, passUpgrade } from "./fleet-proxy.ts";
import { addressOf, signStatement } from "./fleet-statement.ts";
import { type Location, locateRun, locateWorker } from "./locate-run.ts";

export interface FleetOptions {
  /** Id of this worker. */
  readonly self: string;
  /** Undefined where others have the queue: then there is this worker only. */
  readonly tasks: Pick<TaskQueue, "show" | "artifacts"> | undefined;
  readonly workers: WorkerDirectory;
  /** Whether a run is under way on this worker. Default: nobody knows without asking the queue. */
  readonly isHere?: (task: string, run: number | "latest") => boolean;
  readonly limits?: Omit<PassOptions, "body">;
}

const HERE: Location = { kind: "here" };

/** Where a worker is not a part of the path. */
function workerIn({ worker }: Readonly<Record<string, unknown>>): { worker?: string } {
  return typeof worker === "string" ? { worker } : {};
}

export class Fleet {
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Resolves with whether another worker has answered. @throws {ApiError} It should, and cannot. */
  async passOn(route: Route, { params, principal, query, request, response }: Call): Promise<boolean> {
    const location = await this.#locate(route.answeredBy, { ...workerIn(query), ...params }, request);
    if (location.kind === "here") return false;
    // A body that was parsed is there no more.
    const parsed: unknown = request.body;
    const body = parsed === undefined ? undefined : Buffer.from(JSON.stringify(parsed));
    const target = await this.#targetOf(location, principal, request);
    await passRequest(request, response, target, { ...this.#options.limits, body });
    return true;
  }

  /** The same for a websocket; the connection is taken over if it resolves with true. */
  async passSocketOn(
    route: SocketRoute,
    { params, principal, query, request }: SocketCall,
    connection: { socket: Duplex; head: Buffer },
  ): Promise<boolean> {
    // Whoever has not logged in may have a ticket, which is good at the worker that has the run; what else is not as it
    // should be he is told here, without learning of what there is.
    const location = await this.#locate(route.answeredBy, { ...workerIn(query), ...params }, request).catch(
      (error: unknown) => {
        if (principal === undefined) return HERE;
        throw error;
      },
    );
    if (location.kind === "here") return false;
    await passUpgrade(request, connection, await this.#targetOf(location, principal, request), this.#options.limits);
    return true;
  }

  async #locate(
    answeredBy: Route["answeredBy"],
    params: Readonly<Record<string, string>>,
    request: IncomingMessage,
  ): Promise<Location> {
    const { self, tasks, workers, isHere } = this.#options;
    if (answeredBy === "worker") {
      const { worker = self } = params;
      if (worker === self) return HERE;
      const entry = await workers.find(worker);
      if (entry === undefined) throw workerNotFound(worker);
      return locateWorker(worker, entry, "is to answer");
    }
    if (answeredBy === undefined || tasks === undefined) return HERE;
    const task = params["task"] ?? "";
    const run = runOf(params["run"] ?? "latest");
    // Whoever has passed it on has looked; what is not here is not anywhere.
    if (request.headers[FLEET_HEADER] !== undefined || isHere?.(task, run) === true) return HERE;
    return await locateRun({ self, tasks, workers, isForFiles: answeredBy === "run" }, task, run);
  }

  async #targetOf(
    { workerId, url }: Extract<Location, { kind: "elsewhere" }>,
    principal: Principal | undefined,
    request: IncomingMessage,
  ): Promise<PassTarget> {
    const { self, workers } = this.#options;
    const statement = await signStatement({
      ...{ key: await workers.fleetKey(), from: self, to: workerId, principal },
      ...{ method: request.method ?? "GET", path: addressOf(request), address: request.socket.remoteAddress },
    });
    return { workerId, url, statement };
  }
}

function workerNotFound(workerId: string): ApiError {
  const message = `there is no worker ${JSON.stringify(workerId.slice(0, 100))}; "GET /api/v1/workers" lists them`;
  return new ApiError(404, "worker-not-found", message);
}
