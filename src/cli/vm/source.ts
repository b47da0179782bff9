/** What a command may begin with: a machine, a saved one, or the folder of one. */
import { resolve } from "node:path";
import { codeOf, InvalidInputError } from "../../base/errors.ts";
import type { VmRecord } from "../../generated/vm-record.ts";
import type { Hypervisor } from "../../hypervisor/hypervisor.ts";
import { readSaved } from "../../snapshot/read-entry.ts";
import type { SavedMachine } from "../../snapshot/saved-machine.ts";
import type { SnapshotStore } from "../../snapshot/snapshot-store.ts";

export type Source =
  | { readonly kind: "vm"; readonly record: VmRecord }
  | { readonly kind: "snapshot"; readonly id: string }
  | { readonly kind: "folder"; readonly saved: SavedMachine };

/** @throws {InvalidInputError} It is a machine, and a snapshot is called the same. */
export async function findSource(
  ref: string,
  { hypervisor, snapshots, cwd }: { hypervisor: Hypervisor; snapshots: SnapshotStore; cwd: string },
): Promise<Source> {
  if (ref.includes("/")) return { kind: "folder", saved: await readSaved(resolve(cwd, ref)) };
  const [vm, snapshot] = await Promise.all([
    hypervisor.inspect(ref).catch(unless("vm-not-found")),
    snapshots.find(ref).catch(unless("snapshot-not-found")),
  ]);
  if (vm !== undefined && snapshot !== undefined) {
    const message = `${ref} is the machine ${vm.record.id} and the snapshot ${snapshot.id}; name it by its id`;
    throw new InvalidInputError("The command line", [{ path: "source", message }], "task");
  }
  if (snapshot !== undefined) return { kind: "snapshot", id: snapshot.id };
  if (vm !== undefined) return { kind: "vm", record: vm.record };
  const message = `there is no machine and no snapshot ${JSON.stringify(ref.slice(0, 80))}; "boxcar vm list" and "boxcar vm snapshot list" show those there are`;
  throw new InvalidInputError("The command line", [{ path: "source", message }], "task");
}

function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) !== code) throw error;
    return undefined;
  };
}
