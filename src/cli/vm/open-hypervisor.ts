/** The machines of this host, for a command. */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { Scope } from "../../base/scope.ts";
import type { Config } from "../../config/config.ts";
import type { ReclaimedVm } from "../../hypervisor/hypervisor.ts";
import type { QemuHost } from "../../hypervisor/qemu/host.ts";
import { QemuHypervisor } from "../../hypervisor/qemu/qemu-hypervisor.ts";
import type { MachineNetworks } from "../../sandbox/machine-networks.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { boxcarCommand } from "../boxcar-program.ts";
import { configFileOf, configOf } from "../config.ts";
import type { CliContext } from "../context.ts";
import { agentFile } from "../guest-programs.ts";
import { openNetworks } from "../networks.ts";
import { openStore } from "../store.ts";

export const SUPERVISOR_COMMAND = "vm-supervisor";

/** @param scope Owns what is opened. */
export async function openQemuHost(config: Config, scope: Scope): Promise<QemuHost> {
  await mkdir(config.stateDir, { recursive: true, mode: 0o755 });
  await mkdir(config.runDir, { recursive: true, mode: 0o700 });
  const images = scope.use(await openStore(config));
  let networks: Promise<MachineNetworks> | undefined;
  return {
    ...{ config, images, agentFile },
    openNetworks: () => {
      networks ??= openNetworks(config).then((opened) => scope.use(opened));
      return networks;
    },
    chooseAccelerator: (signal, note) => chooseAccelerator(config, signal, note),
  };
}

export interface OpenHypervisor extends AsyncDisposable {
  readonly hypervisor: QemuHypervisor;
  readonly config: Config;
  /** What dead processes had left. */
  readonly reclaimed: readonly ReclaimedVm[];
}

/** What dead processes have left is put right first. */
export async function openHypervisor(context: CliContext, command: Command): Promise<OpenHypervisor> {
  await using scope = new Scope();
  const config = await configOf(context, command);
  const host = await openQemuHost(config, scope);
  const file = absoluteConfigFile(context, command);
  const supervisor = (id: string) => boxcarCommand(file, SUPERVISOR_COMMAND, id);
  const hypervisor = await QemuHypervisor.open({ host, supervisor });
  const reclaimed = await hypervisor.gc();
  const owned = scope.move();
  return { hypervisor, config, reclaimed, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** What `--config` names; a supervisor starts elsewhere. */
export function absoluteConfigFile(context: CliContext, command: Command): string | undefined {
  const file = configFileOf(command);
  return file === undefined ? undefined : resolve(context.cwd, file);
}
