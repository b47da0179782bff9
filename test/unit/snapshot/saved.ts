import type { MachineSnapshot } from "../../../src/generated/machine-snapshot.ts";
import type { SavedMachine } from "../../../src/snapshot/saved-machine.ts";

const SIZED = { version: 2, memory: 1, threads: 1, cores: 1, sockets: 1 } as const;

export function recordOf(id: string, more: Partial<MachineSnapshot> = {}): MachineSnapshot {
  return {
    version: 1,
    id,
    kind: "vm",
    created: "2026-11-21T10:00:00.000Z",
    source: { vm: { id: "0123456789ab" } },
    image: { digest: `sha256:${"a".repeat(64)}` },
    machine: { ...SIZED },
    ...{ accelerator: "tcg", qemu: "7.2", cpu: "one" },
    layers: 1,
    files: ["memory", "state", "disk.0.qcow2"].map((name) => ({ name, bytes: name === "memory" ? 1_048_576 : 1 })),
    ...more,
  };
}

/** Of 10 bytes. */
export function saved(
  id: string,
  { hour = 0, expires, ...more }: { hour?: number; expires?: Date } & Partial<Omit<MachineSnapshot, "expires">> = {},
): SavedMachine {
  const created = new Date(Date.UTC(2026, 10, 21, hour));
  const record = recordOf(id, { ...more, created: created.toISOString() });
  return { kind: "machine", id, record, directory: `/s/${id}`, created, expires, diskBytes: 10 };
}
