/** Boxcar's networks, as a worker has them, without the limits that are about fairness. */
import { Scope } from "../../../src/base/scope.ts";
import type { Config } from "../../../src/config/config.ts";
import type { NetworkMode } from "../../../src/network/guest-network.ts";
import { MachineNetworks, type NetworkCard } from "../../../src/sandbox/machine-networks.ts";
import type { Carrier } from "./carrier.ts";

const CONNECTIONS_PER_SECOND = 100_000;

export async function openNetworks(
  mode: NetworkMode,
  config: Config,
  cacheDirectory: string,
): Promise<MachineNetworks> {
  const limits = { ...config.network.limits, connectionsPerSecond: CONNECTIONS_PER_SECOND };
  const networks = await MachineNetworks.open({ settings: { ...config.network, mode, limits }, cacheDirectory });
  if (networks.mode !== mode) throw new Error(`the networks are of mode ${networks.description}`);
  return networks;
}

export async function openBoxcar(networks: MachineNetworks, card: NetworkCard): Promise<Carrier> {
  await using scope = new Scope();
  const { network } = scope.use(await networks.open(card));
  const owned = scope.move();
  return {
    network,
    serve: async (handler) => {
      network.setHandler(handler);
      await network.setPolicy({ kind: "internet" });
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
