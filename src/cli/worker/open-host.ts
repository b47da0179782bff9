/** What a worker offers to its tasks, opened. */
import { mkdir } from "node:fs/promises";
import { codeOf, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import { FEATURES } from "../../feature/all.ts";
import type { ArtifactOrigin } from "../../image/source/artifact-origin.ts";
import { MachinePool } from "../../sandbox/machine-pool.ts";
import { parsePrivateKey } from "../../signing/keys.ts";
import { openSnapshots } from "../../snapshot/open-snapshots.ts";
import type { HostRuns } from "../../worker/lookup/host-runs.ts";
import type { WorkerObserver } from "../../worker/observer.ts";
import { hostFolders, reclaimHost, type TaskHost } from "../../worker/task-host.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { agentFile } from "../guest-programs.ts";
import { imageHooks } from "../image-hooks.ts";
import { openNetworks } from "../networks.ts";
import { openStore } from "../store.ts";
import { defaultWorkerId } from "./open-queue.ts";

export interface HostParts {
  config: Config;
  logger: Logger;
  runs: HostRuns;
  observer: WorkerObserver;
  /** Artifacts of the queue, for tasks and operators. */
  origin: ArtifactOrigin;
  scope: Scope;
}

/** What killed processes have left is gone then. @param parts.scope Owns what is opened. */
export async function openHost(parts: HostParts): Promise<TaskHost> {
  const { config, logger, runs, observer, origin, scope } = parts;
  const folders = hostFolders(config);
  const { manifestKey } = config.features.artifacts;
  await mkdir(config.stateDir, { recursive: true, mode: 0o755 });
  await mkdir(config.runDir, { recursive: true, mode: 0o700 });
  const reclaimed = await reclaimHost(folders);
  if (reclaimed > 0) logger.log("info", "removed what killed processes had left", { folders: reclaimed });
  const images = scope.use(await openStore(config));
  await images.inspect(config.images.default).catch((error: unknown) => {
    if (codeOf(error) !== "image-not-found") throw error;
    logger.log("warn", `${messageOf(error)}; tasks that name no image fail`);
  });
  const snapshots = await openSnapshots(config, images);
  const networks = scope.use(await openNetworks(config, logger));
  const acquireImage = (digest: string) => images.acquire(digest);
  const pool =
    config.pool.machines === 0 ? undefined : scope.use(new MachinePool({ ...config.pool, acquireImage, logger }));
  return {
    ...{ config, images, snapshots, networks, pool, agentFile, logger, runs, observer, origin },
    imageHooks: await imageHooks(config),
    chooseAccelerator: (signal, note) => chooseAccelerator(config, signal, note),
    features: FEATURES,
    manifestKey:
      manifestKey === undefined ? undefined : parsePrivateKey(manifestKey.reveal(), "features.artifacts.manifest.key"),
    workerId: config.queue.workerId ?? defaultWorkerId(),
  };
}
