/** The saved machines of a host: where every command and worker of one configuration finds them. */
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { type ImagePins, SnapshotStore } from "./snapshot-store.ts";

/** @param images Of the same configuration: what a saved machine lies on stays there. */
export async function openSnapshots(config: Pick<Config, "stateDir">, images: ImagePins): Promise<SnapshotStore> {
  return await SnapshotStore.open({ directory: join(config.stateDir, "snapshots"), images });
}
