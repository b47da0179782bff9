import type { VmRecord } from "../../../src/generated/vm-record.ts";

/** A record as a new machine has it, but for what is said. */
export function draftRecord(changes: Partial<VmRecord> = {}): VmRecord {
  return {
    ...{ version: 1, id: "0123456789ab", backend: "qemu", state: "created", starts: 0 },
    ...{ created: "2026-11-21T10:00:00.000Z", changed: "2026-11-21T10:00:00.000Z" },
    image: { digest: `sha256:${"a".repeat(64)}`, reference: "debian-minimal" },
    machine: { version: 2, memory: 256 },
    identity: { hostname: "boxcar-web", machineId: "f".repeat(32) },
    ...{ network: "isolated", forwards: [], disks: [], runDirectory: "/run/boxcar/v/0123456789ab" },
    ...changes,
  };
}
