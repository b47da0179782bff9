/** Artifacts of the queue of a configuration, for a command that is no worker of it. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../base/scope.ts";
import type { Config } from "../config/config.ts";
import { ImageError } from "../image/errors.ts";
import type { ArtifactOrigin } from "../image/source/artifact-origin.ts";
import { describeReference } from "../image/source/spec.ts";
import { defaultWorkerId } from "./worker/open-queue.ts";

/**
 * Opened when it is first asked, closed with `scope`: most commands never do.
 *
 * With Taskcluster it may have what the worker's own credentials allow.
 */
export function lazyArtifactOrigin(config: Config, scope: Scope): ArtifactOrigin {
  let opened: Promise<ArtifactOrigin> | undefined;
  return {
    async locate(reference, signal) {
      if (config.queue.driver === "embedded" && !(await hasQueue(config))) {
        const message = `${describeReference(reference)} cannot be had here: this host has no queue, and the configuration names no other; set queue, or name the image another way`;
        throw new ImageError("image-artifact-not-found", message, { blame: "task" });
      }
      opened ??= open(config, scope);
      return await (await opened).locate(reference, signal);
    },
  };
}

/** To look at a queue is no reason to make one. */
async function hasQueue({ stateDir }: Config): Promise<boolean> {
  return await access(join(stateDir, "queue")).then(
    () => true,
    () => false,
  );
}

/** @throws {QueueError} */
async function open(config: Config, scope: Scope): Promise<ArtifactOrigin> {
  const self = config.queue.workerId ?? defaultWorkerId();
  if (config.queue.driver === "taskcluster") {
    const { openQueue } = await import("./worker/open-queue.ts");
    const { silentLogger } = await import("../base/log.ts");
    return scope.use(await openQueue(config, silentLogger)).origin;
  }
  const { openTaskQueue } = await import("./queue/open-task-queue.ts");
  const { FleetArtifacts } = await import("../web/fleet/fleet-artifacts.ts");
  const tasks = scope.use(await openTaskQueue(config));
  return new FleetArtifacts({ self, tasks, workers: tasks.workers });
}
