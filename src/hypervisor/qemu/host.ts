/** What the machines of one host have in common. */
import type { Config } from "../../config/config.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import type { MachineNetworks } from "../../sandbox/machine-networks.ts";
import type { SnapshotStore } from "../../snapshot/snapshot-store.ts";
import type { Accelerator } from "../../vm/arguments.ts";

export interface QemuHost {
  readonly config: Config;
  readonly images: ImageStore;
  /** Opened when they are needed. */
  readonly openSnapshots: () => Promise<SnapshotStore>;
  /** Opened when it is needed; the caller's. */
  readonly openNetworks: () => Promise<MachineNetworks>;
  readonly chooseAccelerator: (signal: AbortSignal, note: (text: string) => void) => Promise<Accelerator>;
  /** The agent for a platform such as `linux-x64`; undefined if there is none. */
  readonly agentFile: (platform: string) => string | undefined;
}
