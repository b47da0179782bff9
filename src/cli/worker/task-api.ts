/** What a worker answers about tasks and their runs, and about its images. */

import { parsePayload, payloadRules } from "../../feature/payload.ts";
import { maxArchiveBytes } from "../../image/registry/limits.ts";
import { ImageSignatures } from "../../image/signatures/image-signatures.ts";
import { warmImage } from "../../sandbox/warm-image.ts";
import type { Route } from "../../web/api/route.ts";
import { imageRoutes } from "../../web/images/image-routes.ts";
import type { Jobs } from "../../web/images/jobs.ts";
import { registryRoutes } from "../../web/images/registry-routes.ts";
import { describeLive } from "../../web/machines/machine-lookup.ts";
import { artifactRoutes } from "../../web/runs/artifact-routes.ts";
import { resumeRoute } from "../../web/runs/resume-route.ts";
import { isInTime, runRoutes } from "../../web/runs/run-routes.ts";
import { queueRoutes } from "../../web/tasks/queue-routes.ts";
import type { TaskHost } from "../../worker/task-host.ts";
import { agentFile } from "../guest-programs.ts";
import type { LazyHypervisor } from "./lazy-hypervisor.ts";
import { defaultWorkerId, type OpenQueue } from "./open-queue.ts";

export type ApiHost = Pick<
  TaskHost,
  "snapshots" | "config" | "images" | "imageHooks" | "origin" | "networks" | "chooseAccelerator" | "runs"
>;

/** None where others have the queue. */
export function taskRoutes({ config, runs, snapshots }: ApiHost, queue: Pick<OpenQueue, "tasks" | "workers">): Route[] {
  const { tasks, workers } = queue;
  if (tasks === undefined) return [];
  const isThere = async ({ snapshot }: { snapshot: string }) =>
    (await snapshots.list()).some(({ id }) => id === snapshot);
  const rules = { subject: "The payload", blame: "task", ...payloadRules(config) } as const;
  return [
    ...queueRoutes({
      queue: tasks,
      workers,
      checkPayload: (payload) => void parsePayload(payload, rules),
      progress: (key) => runs.reports.find(key),
    }),
    ...runRoutes({
      queue: tasks,
      report: (key) => runs.reports.find(key),
      pictures: (key) => runs.screens.find(key),
      live: (key) => {
        const machine = runs.machines.get(key);
        return machine && describeLive(machine);
      },
      isSaved: async (saved, ranBy) =>
        (await isInTime(saved)) && (ranBy !== workerIdOf(config) || (await isThere(saved))),
    }),
    ...artifactRoutes(tasks),
  ];
}

/** Also where others have the queue. */
export function resumeRoutes(
  { config, snapshots }: ApiHost,
  { tasks }: Pick<OpenQueue, "tasks">,
  hypervisor: LazyHypervisor,
): Route[] {
  const { roles, maxResumed } = config.features.onFailure;
  return [resumeRoute({ queue: tasks, snapshots, hypervisor, workerId: workerIdOf(config), roles, maxResumed })];
}

function workerIdOf({ queue }: ApiHost["config"]): string {
  return queue.workerId ?? defaultWorkerId();
}

export function hostImageRoutes(host: ApiHost, jobs: Jobs): Route[] {
  const { config, images, imageHooks, origin, networks, chooseAccelerator } = host;
  const { directory, maxSizeBytes } = config.images;
  const signatures = new ImageSignatures(directory);
  return [
    ...imageRoutes({
      ...{ images, signatures, jobs, policy: config.images, origin, hooks: imageHooks },
      warm: async (digest, options) => {
        await imageHooks?.accept?.(await images.inspect(digest));
        return await warmImage(digest, { images, networks, config, agentFile, chooseAccelerator, ...options });
      },
    }),
    ...registryRoutes({
      ...{ images, signatures, maxArchiveBytes: maxArchiveBytes(maxSizeBytes) },
    }),
  ];
}
