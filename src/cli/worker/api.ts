/** What a worker answers over HTTP: the parts of it, connected. */
import type { RequestListener } from "node:http";
import type { Watchdog } from "../../base/watchdog.ts";
import type { Config } from "../../config/config.ts";
import { parsePayload } from "../../feature/payload.ts";
import { createApp } from "../../web/app.ts";
import { healthRoutes } from "../../web/health-routes.ts";
import { queueRoutes } from "../../web/queue-routes.ts";
import { workerRoutes } from "../../web/worker-routes.ts";
import type { Worker } from "../../worker/worker.ts";
import type { OpenQueue } from "./open-queue.ts";

export interface ApiParts {
  config: Config;
  queue: OpenQueue;
  watchdog: Watchdog;
  worker: Worker;
}

export function createApi({ config, queue, watchdog, worker }: ApiParts): RequestListener {
  const { maxRunTimeMs } = config.limits;
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
    ...(queue.tasks === undefined
      ? {}
      : {
          "/api/v1/tasks": queueRoutes({
            queue: queue.tasks,
            checkPayload: (payload) => {
              parsePayload(payload, { subject: "The payload", blame: "task", maxRunTimeMs });
            },
          }),
        }),
  });
}
