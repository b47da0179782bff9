import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownershipOf } from "../../../../src/feature/checkpoints/access.ts";
import { openCheckpoint, requireUsable } from "../../../../src/feature/checkpoints/open-checkpoint.ts";
import { SnapshotStore } from "../../../../src/snapshot/snapshot-store.ts";
import { type Base, makeBase, save } from "../../snapshot/saved-files.ts";

const REQUEST = { task: "a-task", run: undefined, checkpoint: "built", index: 3, count: 10 };
const OWNER = { asker: { submitter: "ann" }, settings: { whenMissing: "fail" } } as const;
const MISSING = expect.objectContaining({ code: "checkpoint-not-found", blame: "upstream" });

let directory: string;
let base: Base;
let snapshots: SnapshotStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-checkpoint-"));
  base = await makeBase(join(directory, "disk.img"));
  const pins = { pin: async () => {} };
  snapshots = await SnapshotStore.open({ directory: join(directory, "store"), images: pins, reserveBytes: 0 });
});

afterEach(() => rm(directory, { recursive: true }));

async function make(runId: number, { created = new Date(), expires }: { created?: Date; expires?: Date } = {}) {
  return await save(snapshots, base, {
    kind: "checkpoint",
    created: created.toISOString(),
    ...(expires === undefined ? {} : { expires: expires.toISOString() }),
    source: { task: { taskId: "a-task", runId, checkpoint: "built" } },
    config: ownershipOf("private", OWNER.asker),
    diskSlots: 4,
  });
}

describe("a checkpoint that a task starts from", () => {
  it("is the latest of its name, or that of the run", async () => {
    const [old, latest] = [await make(0, { created: new Date(0) }), await make(1)];
    await using opened = await openCheckpoint(REQUEST, { snapshots, ...OWNER });
    expect(opened.saved.id).toBe(latest.id);
    expect(opened.machine.memory).toBe(32);
    expect(opened.move.fork).toEqual({ checkpoint: "built", index: 3, count: 10 });
    expect(opened.slotsFor(4)).toBe(4);
    expect(() => opened.slotsFor(5)).toThrow("the machine of the checkpoint has room for 4 more");
    await using other = await openCheckpoint({ ...REQUEST, run: 0 }, { snapshots, ...OWNER });
    expect(other.saved.id).toBe(old.id);
  });

  it("stays as long as it is held", async () => {
    const { id } = await make(0);
    {
      await using _opened = await openCheckpoint(REQUEST, { snapshots, ...OWNER });
      await expect(snapshots.remove(id)).rejects.toMatchObject({ code: "snapshot-in-use" });
    }
    await snapshots.remove(id);
    await expect(openCheckpoint(REQUEST, { snapshots, ...OWNER })).rejects.toEqual(MISSING);
  });

  it("is missing once it has expired, where there is none, and where none are kept", async () => {
    await expect(openCheckpoint(REQUEST, { snapshots: undefined, ...OWNER })).rejects.toEqual(MISSING);
    await make(0, { expires: new Date(Date.now() - 1) });
    await expect(openCheckpoint(REQUEST, { snapshots, ...OWNER })).rejects.toEqual(MISSING);
    await expect(openCheckpoint({ ...REQUEST, run: 7 }, { snapshots, ...OWNER })).rejects.toEqual(MISSING);
    const elsewhere = openCheckpoint(REQUEST, { snapshots, ...OWNER, settings: { whenMissing: "retry" } });
    await expect(elsewhere).rejects.toMatchObject({ code: "checkpoint-not-found", reason: "intermittent-task" });
  });

  it("is not for others", async () => {
    await make(0);
    await expect(openCheckpoint(REQUEST, { snapshots, ...OWNER, asker: { submitter: "bob" } })).rejects.toMatchObject({
      code: "checkpoint-forbidden",
      blame: "task",
    });
  });

  it("cannot be used when it is damaged, or the host is another one; the host is not to blame", async () => {
    const { directory: saved } = await make(0);
    {
      await using opened = await openCheckpoint(REQUEST, { snapshots, ...OWNER });
      const here = { accelerator: "tcg", qemu: "7.2", cpu: "one" } as const;
      requireUsable(opened, here);
      expect(() => requireUsable(opened, { ...here, qemu: "8.0" })).toThrow(
        expect.objectContaining({ code: "checkpoint-unusable", blame: "upstream" }),
      );
    }
    await truncate(join(saved, "memory"), 1);
    await expect(openCheckpoint(REQUEST, { snapshots, ...OWNER })).rejects.toEqual(MISSING);
  });
});
