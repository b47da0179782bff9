/** What a worker answers over HTTP: the parts of it, connected. */
import type { IncomingMessage, RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import type { Watchdog } from "../../base/watchdog.ts";
import type { Config } from "../../config/config.ts";
import { parsePayload, payloadRules } from "../../feature/payload.ts";
import { createApp, type Router } from "../../web/app.ts";
import { healthRoutes } from "../../web/health-routes.ts";
import { logRouter } from "../../web/log-routes.ts";
import { createLogSocket } from "../../web/log-socket.ts";
import { networkRouter } from "../../web/network-routes.ts";
import { queueRoutes } from "../../web/queue-routes.ts";
import { workerRoutes } from "../../web/worker-routes.ts";
import type { TaskLogs } from "../../worker/task-logs.ts";
import type { TaskNetworks } from "../../worker/task-networks.ts";
import type { Worker } from "../../worker/worker.ts";
import type { OpenQueue } from "./open-queue.ts";

export interface ApiParts {
  config: Config;
  queue: OpenQueue;
  watchdog: Watchdog;
  worker: Worker;
  logs: TaskLogs;
  reports: TaskNetworks;
}

/** *Owns* the websockets. */
export interface Api extends AsyncDisposable {
  readonly handler: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export function createApi(parts: ApiParts): Api {
  const sockets = createLogSocket((key) => parts.logs.find(key));
  return {
    handler: createHandler(parts),
    upgrade: (request, socket, head) => {
      if (!sockets.tryUpgrade(request, socket, head)) socket.destroy();
    },
    [Symbol.asyncDispose]: () => sockets[Symbol.asyncDispose](),
  };
}

function createHandler({ config, logs, reports, queue, watchdog, worker }: ApiParts): RequestListener {
  const { timeoutMs } = config.worker.shutdown;
  return createApp({
    "/": healthRoutes({
      health: () => watchdog.health().stuck.map(({ name, sinceMs }) => `${name}: no progress for ${sinceMs} ms`),
      unready: () => {
        const { state, why } = worker.status;
        return state === "claiming" || state === "full" ? undefined : `${state}: ${why ?? "it takes no tasks"}`;
      },
    }),
    "/api/v1/worker": workerRoutes({
      get status() {
        return worker.status;
      },
      pause: (why) => worker.pause(why),
      resume: () => worker.resume(),
      drain: (why) => worker.drain(why, timeoutMs),
      stop: (why) => worker.stop(why),
    }),
    "/api/v1/tasks": taskRoutes({ config, logs, reports, queue }),
  });
}

type TaskParts = Pick<ApiParts, "config" | "logs" | "reports" | "queue">;

function taskRoutes({ config, logs, reports, queue }: TaskParts): Router[] {
  const options = { subject: "The payload", blame: "task", ...payloadRules(config) } as const;
  const checkPayload = (payload: unknown) => void parsePayload(payload, options);
  const ofRuns = [logRouter((key) => logs.find(key)), networkRouter((key) => reports.find(key))];
  return queue.tasks === undefined ? ofRuns : [...ofRuns, queueRoutes({ queue: queue.tasks, checkPayload })];
}
