/**
 * A worker as one of the fleet of its queue: others know of it, what is asked of them comes to it and the other way
 * round, and who looks at one sees all.
 *
 * *Owns* its entry in the directory and the clients that follow events; *borrows* the queue and the worker.
 */
import type { IncomingMessage } from "node:http";
import type { Principal } from "../../access/principal.ts";
import type { Logger } from "../../base/log.ts";
import type { Config } from "../../config/config.ts";
import type { Announced, WorkerAnnouncement } from "../../queue/worker-directory.ts";
import type { Route } from "../../web/api/route.ts";
import { EventStreams } from "../../web/fleet/event-stream.ts";
import { fleetRoutes } from "../../web/fleet/fleet-routes.ts";
import { FleetVerifier } from "../../web/fleet/fleet-statement.ts";
import { Fleet } from "../../web/fleet/pass-on.ts";
import type { WorkerPort } from "../../web/worker/worker-routes.ts";
import type { LiveRuns } from "../../worker/lookup/live-runs.ts";
import type { Worker } from "../../worker/worker.ts";
import { readVersion } from "../version.ts";
import type { OpenQueue } from "./open-queue.ts";
import { fleetUrl, workerUrl } from "./worker-url.ts";

export interface FleetMemberOptions {
  readonly config: Config;
  readonly workerId: string;
  readonly queue: OpenQueue;
  readonly worker: Worker;
  readonly runs: Pick<LiveRuns, "isAnnounced">;
  readonly logger: Logger;
}

type Authenticate = (request: IncomingMessage) => Promise<Principal | undefined>;

export class FleetMember implements AsyncDisposable {
  readonly streams: EventStreams;
  /** For requests that another worker passes on. */
  readonly verifier: FleetVerifier;
  readonly #options: FleetMemberOptions;
  readonly #fleet: Fleet;
  readonly #announced: Announced;
  readonly #version = readVersion();
  #port: number | undefined;
  #state: string | undefined;

  private constructor(options: FleetMemberOptions) {
    this.#options = options;
    const { workerId, queue, runs, logger } = options;
    const { workers, events, tasks } = queue;
    this.streams = new EventStreams({ workerId, events });
    this.verifier = new FleetVerifier({ workerId, key: () => workers.fleetKey() });
    const isHere = (task: string, run: number | "latest") => run !== "latest" && runs.isAnnounced(task, run);
    this.#fleet = new Fleet({ self: workerId, tasks, workers, isHere });
    const onTrouble = (message: string) => logger.log("warn", message);
    this.#announced = workers.announce(workerId, () => this.#describe(), { onTrouble });
  }

  static start(options: FleetMemberOptions): FleetMember {
    return new FleetMember(options);
  }

  /** For {@link RouteParts}. */
  readonly passOn: Fleet["passOn"] = (route, call) => this.#fleet.passOn(route, call);

  /** For {@link SocketServerOptions}. */
  readonly passSocketOn: Fleet["passSocketOn"] = (route, call, connection) =>
    this.#fleet.passSocketOn(route, call, connection);

  /** What another worker has passed on is of whom that says; all else is as `otherwise` has it. */
  authenticate(otherwise: Authenticate): Authenticate {
    return async (request) => {
      const passed = await this.verifier.verifyFleetRequest(request);
      return passed === undefined ? await otherwise(request) : passed.principal;
    };
  }

  routes(worker: WorkerPort): Route[] {
    const { workerId, queue } = this.#options;
    return fleetRoutes({
      ...{ workerId, workers: queue.workers, tasks: queue.tasks, worker, events: this.streams },
      describeSelf: () => this.#describe(),
      queueDescription: queue.driver.description,
    });
  }

  /** It listens on this port now. Resolves when others know, or cannot be told. */
  async listens(port: number | undefined): Promise<void> {
    this.#port = port;
    await this.#announced.flush();
  }

  /** Where people reach it; undefined: nowhere, or nobody has said. */
  get url(): string | undefined {
    return workerUrl(this.#options.config.worker.http, this.#port);
  }

  /** Something of the worker's status is another. */
  changed(): void {
    const { worker, workerId, queue } = this.#options;
    const { state } = worker.status;
    if (state !== this.#state) queue.events.publish({ kind: "worker", workerId, state });
    this.#state = state;
    this.#announced.changed();
  }

  #describe(): WorkerAnnouncement {
    const { config, worker } = this.#options;
    const { status } = worker;
    const url = fleetUrl(config.worker.http, this.#port);
    return {
      ...(url === undefined ? {} : { url }),
      ...{ queue: config.queue.name, version: this.#version, startedAt: status.startedAt },
      // As others read it.
      status: JSON.parse(JSON.stringify(status)) as WorkerAnnouncement["status"],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { workerId, queue } = this.#options;
    await this.#announced[Symbol.asyncDispose]();
    queue.events.publish({ kind: "worker", workerId, state: "gone" });
    await this.streams[Symbol.asyncDispose]();
  }
}
