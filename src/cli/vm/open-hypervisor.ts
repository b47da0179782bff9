/** The machines of this host, for a command. */
import { mkdir } from "node:fs/promises";
import type { Command } from "commander";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import type { ReclaimedVm } from "../../hypervisor/hypervisor.ts";
import type { QemuHost } from "../../hypervisor/qemu/host.ts";
import { QemuHypervisor } from "../../hypervisor/qemu/qemu-hypervisor.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import type { MachineNetworks } from "../../sandbox/machine-networks.ts";
import { openSnapshots } from "../../snapshot/open-snapshots.ts";
import type { SnapshotStore } from "../../snapshot/snapshot-store.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { boxcarCommand } from "../boxcar-program.ts";
import { absoluteConfigFile, configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import { agentFile } from "../guest-programs.ts";
import { openNetworks } from "../networks.ts";
import { openStore } from "../store.ts";

export const SUPERVISOR_COMMAND = "vm-supervisor";

/**
 * @param scope Owns what is opened.
 * @param opened The image store, where the caller has it already.
 */
export async function openQemuHost(config: Config, scope: Scope, opened?: ImageStore): Promise<QemuHost> {
  await mkdir(config.stateDir, { recursive: true, mode: 0o755 });
  await mkdir(config.runDir, { recursive: true, mode: 0o700 });
  const images = opened ?? scope.use(await openStore(config));
  let networks: Promise<MachineNetworks> | undefined;
  let snapshots: Promise<SnapshotStore> | undefined;
  return {
    ...{ config, images, agentFile },
    openSnapshots: () => {
      snapshots ??= openSnapshots(config, images);
      return snapshots;
    },
    openNetworks: () => {
      networks ??= openNetworks(config).then((opened) => scope.use(opened));
      return networks;
    },
    chooseAccelerator: (signal, note) => chooseAccelerator(config, signal, note),
  };
}

export interface HypervisorParts {
  readonly config: Config;
  /** Owns what is opened. */
  readonly scope: Scope;
  readonly images?: ImageStore | undefined;
  /** Absolute path of what `--config` names. */
  readonly configFile: string | undefined;
}

/** What dead processes have left is put right first. */
export async function openHypervisorOf({ config, scope, images, configFile }: HypervisorParts): Promise<{
  hypervisor: QemuHypervisor;
  host: QemuHost;
  reclaimed: readonly ReclaimedVm[];
}> {
  const host = await openQemuHost(config, scope, images);
  const supervisor = (id: string) => boxcarCommand(configFile, SUPERVISOR_COMMAND, id);
  const hypervisor = await QemuHypervisor.open({ host, supervisor });
  return { hypervisor, host, reclaimed: await hypervisor.gc() };
}

export interface OpenHypervisor extends AsyncDisposable {
  readonly hypervisor: QemuHypervisor;
  readonly config: Config;
  readonly host: QemuHost;
  /** What dead processes had left. */
  readonly reclaimed: readonly ReclaimedVm[];
}

/** What dead processes have left is put right first. */
export async function openHypervisor(context: CliContext, command: Command): Promise<OpenHypervisor> {
  await using scope = new Scope();
  const config = await configOf(context, command);
  const configFile = absoluteConfigFile(context, command);
  const opened = await openHypervisorOf({ config, scope, configFile });
  const owned = scope.move();
  return { ...opened, config, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}
