/** Machines and saved machines of this host, for a command. */
import type { SnapshotStore } from "../../../snapshot/snapshot-store.ts";
import type { Invocation } from "../look.ts";
import { type OpenHypervisor, openHypervisor } from "../open-hypervisor.ts";

export interface OpenSaved extends OpenHypervisor {
  readonly snapshots: SnapshotStore;
}

/** What has expired is gone by then, where nobody uses it. */
export async function openSaved({ context, command }: Invocation): Promise<OpenSaved> {
  const opened = await openHypervisor(context, command);
  try {
    const snapshots = await opened.host.openSnapshots();
    await snapshots.removeExpired();
    return { ...opened, snapshots };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}
