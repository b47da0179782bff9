/** Whether a saved machine can go on here. */
import type { MachineSnapshot } from "../generated/machine-snapshot.ts";
import { describeCpu } from "../host/cpu.ts";
import { describeVersion } from "../host/program-version.ts";
import type { Accelerator } from "../vm/arguments.ts";
import { SnapshotError } from "./errors.ts";

/** What of a host its machines depend on, as their records have it. */
export type HostFacts = Pick<MachineSnapshot, "accelerator" | "qemu" | "cpu">;

export async function describeHost(qemuBinary: string, accelerator: Accelerator): Promise<HostFacts> {
  const [qemu, cpu] = await Promise.all([describeVersion(qemuBinary), describeCpu()]);
  return { accelerator, qemu, cpu };
}

/**
 * A machine goes on only where the same emulator runs it the same way; where the host's own processor is the guest's,
 * only on such a processor.
 *
 * @throws {SnapshotError} `snapshot-other-host`
 */
export function requireSameHost(
  { id, accelerator, qemu, cpu }: Pick<MachineSnapshot, "id"> & HostFacts,
  here: HostFacts,
): void {
  const differences = [
    ...(accelerator === here.accelerator ? [] : [`it ran with ${accelerator}, and here is ${here.accelerator}`]),
    ...(qemu === here.qemu ? [] : [`it ran in "${qemu}", and here is "${here.qemu}"`]),
    ...(accelerator === "kvm" && cpu !== here.cpu ? ["it ran on another processor"] : []),
  ];
  if (differences.length === 0) return;
  const message = `the snapshot ${id} cannot go on here: ${differences.join("; ")}`;
  throw new SnapshotError("snapshot-other-host", message, { blame: "host" });
}
