/** Makes the snapshot that tasks will resume from, before the first of them comes. */
import { join } from "node:path";
import { WorkerError } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import type { MachineOverrides } from "../generated/machine.ts";
import type { ImageStore } from "../image/store/image-store.ts";
import type { Snapshot } from "../image/store/snapshots.ts";
import type { Accelerator } from "../vm/arguments.ts";
import { chooseDiskSlots } from "../vm/data-disks.ts";
import { resolveMachine } from "../vm/limits.ts";
import type { LaunchOptions } from "./launch.ts";
import type { MachineNetworks } from "./machine-networks.ts";
import { obtainSnapshot } from "./warm-start.ts";

export interface WarmImageOptions {
  images: ImageStore;
  networks: MachineNetworks;
  config: Config;
  agentFile: LaunchOptions["agentFile"];
  chooseAccelerator: (signal: AbortSignal, note: (text: string) => void) => Promise<Accelerator>;
  /** What a task says of its machine; default: nothing. */
  machine?: MachineOverrides | undefined;
  /** How many caches the task has; default: none. */
  caches?: number;
  note: (text: string) => void;
  signal: AbortSignal;
}

/** @throws {WorkerError} `no-snapshot`: tasks of this image boot; what the store and the machine throw. */
export async function warmImage(reference: string, options: WarmImageOptions): Promise<Snapshot> {
  const {
    images,
    networks,
    config,
    agentFile,
    chooseAccelerator,
    machine: payload,
    caches = 0,
    note,
    signal,
  } = options;
  await using image = await images.acquire(reference);
  const layers = { payload, image: image.image.machine, config: config.machine };
  const machine = resolveMachine(layers, config.machineOptions);
  const snapshot = await obtainSnapshot({
    ...{ image, machine, diskSlots: chooseDiskSlots(machine, caches), networks, agentFile, note, signal },
    accelerator: await chooseAccelerator(signal, note),
    qemuBinary: config.qemu.binary,
    bootTimeoutMs: config.limits.bootTimeoutMs,
    runParent: join(config.runDir, "m"),
    stateParent: join(config.stateDir, "machines"),
    cacheDirectory: join(config.stateDir, "cache"),
  });
  if (snapshot !== undefined) return snapshot;
  const message = `${reference} has no snapshot for this machine; its tasks will boot`;
  throw new WorkerError(message, { code: "no-snapshot", blame: "image" });
}
