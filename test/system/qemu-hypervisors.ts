/** Machines in the folders of a {@link Boxcar}, whose supervisors are started as the command line starts them. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../../src/base/scope.ts";
import { boxcarCommand } from "../../src/cli/boxcar-program.ts";
import { openQemuHost, SUPERVISOR_COMMAND } from "../../src/cli/vm/open-hypervisor.ts";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { QemuHost } from "../../src/hypervisor/qemu/host.ts";
import { QemuHypervisor } from "../../src/hypervisor/qemu/qemu-hypervisor.ts";
import type { HypervisorHarness } from "../contract/hypervisor.ts";
import type { Boxcar } from "./boxcar.ts";

export interface QemuHarness extends HypervisorHarness {
  readonly one: QemuHypervisor;
  readonly two: QemuHypervisor;
  readonly host: QemuHost;
}

/** @param settings Variables of the environment, for these and for the supervisors. */
export async function openQemu(
  boxcar: Boxcar,
  scope: Scope,
  settings: Readonly<Record<string, string>> = {},
): Promise<QemuHarness> {
  const environment = {
    BOXCAR_STATE_DIR: join(boxcar.directory, "state"),
    BOXCAR_RUN_DIR: join(boxcar.directory, "run"),
    BOXCAR_IMAGES_DIR: boxcar.images,
    BOXCAR_LIMITS_BOOT_TIMEOUT: "90 seconds",
    ...settings,
  };
  const { config } = await loadConfig(currentSurroundings({ ...process.env, ...environment }), undefined);
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const supervisor = (id: string): [string, ...string[]] => [
    ...(["env", ...variables] as [string, ...string[]]),
    ...boxcarCommand(undefined, SUPERVISOR_COMMAND, id),
  ];
  const host = await openQemuHost(config, scope);
  const other = await openQemuHost(config, scope);
  return {
    one: await QemuHypervisor.open({ host, supervisor }),
    two: await QemuHypervisor.open({ host: other, supervisor }),
    host,
    spec: { image: "debian-minimal", machine: { memory: 256, threads: 1, cores: 1, sockets: 1 } },
    machines: () => boxcar.machines(),
    async leftovers() {
      const found = await Promise.all(
        ["state/vms", "state/vms/names", "state/vms/locks", "run/v"].map(async (folder) => {
          const names = await readdir(join(boxcar.directory, folder));
          return names.map((name) => `${folder}/${name}`);
        }),
      );
      return found.flat().filter((path) => !/vms\/(names|locks)$/.test(path));
    },
  };
}
