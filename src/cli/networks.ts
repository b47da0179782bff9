/** The networks of a command's machines. */
import type { Logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import { MachineNetworks } from "../sandbox/machine-networks.ts";
import { hostFolders } from "../worker/task-host.ts";

/** @throws {WorkerError} This host cannot do what the configuration asks for. */
export async function openNetworks(config: Config, logger?: Logger): Promise<MachineNetworks> {
  const { networks: cacheDirectory } = hostFolders(config);
  return await MachineNetworks.open({ settings: config.network, cacheDirectory, ...(logger && { logger }) });
}
