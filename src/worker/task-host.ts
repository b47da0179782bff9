/** What a host offers to every task it runs; opened once by the process, and closed after its last task. */
import type { KeyObject } from "node:crypto";
import { join } from "node:path";
import type { Logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import type { Feature } from "../feature/feature.ts";
import { reclaimDirectories } from "../host/owned-directory.ts";
import type { ImageHooks } from "../image/source/acquire.ts";
import type { ArtifactOrigin } from "../image/source/artifact-origin.ts";
import type { ImageStore } from "../image/store/image-store.ts";
import type { MachineNetworks } from "../sandbox/machine-networks.ts";
import type { MachinePool } from "../sandbox/machine-pool.ts";
import type { SandboxOptions } from "../sandbox/sandbox.ts";
import type { SnapshotStore } from "../snapshot/snapshot-store.ts";
import type { Accelerator } from "../vm/arguments.ts";
import type { HostRuns } from "./lookup/host-runs.ts";
import type { WorkerObserver } from "./observer.ts";

export interface TaskHost {
  readonly config: Config;
  readonly images: ImageStore;
  readonly imageHooks?: ImageHooks | undefined;
  /** Artifacts of the queue, for tasks whose claim has none of its own. */
  readonly origin?: ArtifactOrigin | undefined;
  /** Saved machines. */
  readonly snapshots: SnapshotStore;
  readonly networks: MachineNetworks;
  readonly pool: MachinePool | undefined;
  readonly agentFile: SandboxOptions["agentFile"];
  readonly chooseAccelerator: (signal: AbortSignal, note: (text: string) => void) => Promise<Accelerator>;
  readonly features: readonly Feature[];
  /** What manifests are signed with; undefined: there are none. */
  readonly manifestKey: KeyObject | undefined;
  /** Who asks about a run finds it there. */
  readonly runs: HostRuns;
  /** Hears of every run. */
  readonly observer: WorkerObserver | undefined;
  /** How the queue knows this worker. */
  readonly workerId: string;
  readonly logger: Logger;
}

/** Where a worker keeps what; absolute paths. */
export interface HostFolders {
  /** Of sockets; short. */
  readonly run: string;
  /** Of disks. */
  readonly machines: string;
  /** Of artifacts that are not with the queue yet. */
  readonly staging: string;
  /** Of what the host can do. */
  readonly cache: string;
  /** Of what networks keep: a program of their own, answers for proxies. */
  readonly networks: string;
  /** Of logs, by task and run. */
  readonly runs: string;
}

export function hostFolders({ runDir, stateDir }: Pick<Config, "runDir" | "stateDir">): HostFolders {
  return {
    run: join(runDir, "m"),
    machines: join(stateDir, "machines"),
    staging: join(stateDir, "staging"),
    cache: join(stateDir, "cache"),
    networks: join(stateDir, "networks"),
    runs: join(stateDir, "runs"),
  };
}

/** Removes what killed processes have left, and nothing of the living; resolves with how many folders that were. */
export async function reclaimHost({ run, machines, staging }: HostFolders): Promise<number> {
  const removed = await Promise.all([run, machines, staging].map((parent) => reclaimDirectories(parent)));
  return removed.flat().length;
}
