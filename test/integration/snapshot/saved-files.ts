/** Saved machines without a machine: small files of the right names. */
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createOverlay } from "../../../src/qcow2/create-overlay.ts";
import { linkBase } from "../../../src/snapshot/own-disk.ts";
import type { RoomLimits } from "../../../src/snapshot/room.ts";
import type { SavedMachine, SnapshotFacts } from "../../../src/snapshot/saved-machine.ts";
import type { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";

export const DIGEST = `sha256:${"a".repeat(64)}`;
const MIB = 1_048_576;
export const MEMORY_MIB = 32;

export function facts(more: Partial<SnapshotFacts> = {}): SnapshotFacts {
  return {
    kind: "vm",
    created: new Date().toISOString(),
    source: { vm: { id: "0123456789ab" } },
    image: { digest: DIGEST },
    machine: { version: 2, memory: MEMORY_MIB, threads: 1, cores: 1, sockets: 1 },
    ...{ accelerator: "tcg", qemu: "7.2", cpu: "one" },
    ...more,
  };
}

export interface Base {
  files: { "disk.img": string };
  sizes: { virtualBytes: number };
}

export async function makeBase(file: string): Promise<Base> {
  await writeFile(file, "");
  await truncate(file, MIB);
  return { files: { "disk.img": file }, sizes: { virtualBytes: MIB } };
}

/** What {@link SnapshotStore.begin} gets from a machine; `text` is in its memory. */
export async function fill(directory: string, base: Base, text = "secret"): Promise<void> {
  await writeFile(join(directory, "memory"), text);
  await truncate(join(directory, "memory"), MEMORY_MIB * MIB);
  await writeFile(join(directory, "state"), `state of ${text}`);
  await linkBase(directory, base as never);
  const virtualBytes = MIB;
  await createOverlay(join(directory, "disk.0.qcow2"), {
    virtualBytes,
    backingFile: "base/disk.img",
    backingFormat: "raw",
  });
  await createOverlay(join(directory, "disk.1.qcow2"), {
    virtualBytes,
    backingFile: "disk.0.qcow2",
    backingFormat: "qcow2",
  });
}

export async function save(
  store: SnapshotStore,
  base: Base,
  more: Partial<SnapshotFacts> = {},
  room?: RoomLimits,
): Promise<SavedMachine> {
  await using draft = await store.begin();
  await fill(draft.directory, base);
  return await draft.publish(facts(more), 2, room);
}
